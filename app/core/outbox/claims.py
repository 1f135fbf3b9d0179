"""A message's way through the outbox: found due, hinted to the broker, claimed by lease, done, tried again or dead.

Every function is one statement on a connection of orion_platform (`mark_done` also as orion_app), so it is whole by itself.
The row is the truth and the broker's message only a hint: a lost hint is given again, a doubled one finds nothing to claim.
Figures: reliability.md, Settings, Outbox.
"""

import dataclasses
import datetime as dt
import random
import uuid
from collections.abc import Collection, Sequence
from typing import Any

import asyncpg

from app.core.ids import new_id

LEASE = dt.timedelta(seconds=60)
HINT_LIFE = dt.timedelta(seconds=30)
"""A hint that led to no claim within this time is taken for lost."""
CLOCK_SLACK = dt.timedelta(seconds=5)
"""How far the clocks of two machines may differ before a worker refuses what a relay found due."""
PER_TENANT = 20
MAX_HINTS = 500
"""Hints under way at most: a long queue stays in the database, where it is ordered fairly, and not in the broker."""
MAX_ATTEMPTS = 14
MAX_DEATHS = 3
FIRST_PAUSE = dt.timedelta(seconds=30)
LONGEST_PAUSE = dt.timedelta(hours=6)

# The recursion jumps from tenant to tenant along the index: the cost depends on tenants with pending messages, not on messages.
# A tenant has at most 20 hints under way, and the first of each goes before the second of any: a long queue delays nobody else's.
# A lease that lapsed without an outcome means that the worker died: that is counted, and the third time is the last.
SWEEP = """
WITH RECURSIVE hinted AS MATERIALIZED (
    SELECT merchant_id, count(*) AS hints FROM core_outbox
    WHERE done_at IS NULL AND dead_at IS NULL AND sweep_at > $1 AND lease_until IS NULL GROUP BY merchant_id
), jump AS (
    (SELECT merchant_id FROM core_outbox
     WHERE done_at IS NULL AND dead_at IS NULL AND merchant_id IS NOT NULL ORDER BY merchant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.merchant_id FROM core_outbox o
            WHERE o.done_at IS NULL AND o.dead_at IS NULL AND o.merchant_id > jump.merchant_id ORDER BY o.merchant_id LIMIT 1)
    FROM jump WHERE jump.merchant_id IS NOT NULL
), due AS (
    SELECT tenant.id, tenant.merchant_id, tenant.due_at FROM jump CROSS JOIN LATERAL (
        SELECT o.id, o.merchant_id, coalesce(o.sweep_at, o.available_at) AS due_at FROM core_outbox o
        WHERE o.done_at IS NULL AND o.dead_at IS NULL AND o.merchant_id = jump.merchant_id AND coalesce(o.sweep_at, o.available_at) <= $1
        ORDER BY coalesce(o.sweep_at, o.available_at)
        LIMIT greatest(0, $3 - coalesce((SELECT h.hints FROM hinted h WHERE h.merchant_id = jump.merchant_id), 0))
        FOR UPDATE SKIP LOCKED) tenant
    UNION ALL
    SELECT platform.id, NULL, platform.due_at FROM (
        SELECT o.id, coalesce(o.sweep_at, o.available_at) AS due_at FROM core_outbox o
        WHERE o.done_at IS NULL AND o.dead_at IS NULL AND o.merchant_id IS NULL AND coalesce(o.sweep_at, o.available_at) <= $1
        ORDER BY coalesce(o.sweep_at, o.available_at)
        LIMIT greatest(0, $3 - coalesce((SELECT h.hints FROM hinted h WHERE h.merchant_id IS NULL), 0))
        FOR UPDATE SKIP LOCKED) platform
), ranked AS (
    SELECT due.id, due.due_at, row_number() OVER (PARTITION BY due.merchant_id ORDER BY due.due_at, due.id)
        + coalesce((SELECT h.hints FROM hinted h WHERE h.merchant_id IS NOT DISTINCT FROM due.merchant_id), 0) AS rank
    FROM due
), chosen AS (
    SELECT id, rank FROM ranked ORDER BY rank, due_at, id LIMIT greatest(0, $4 - (SELECT coalesce(sum(hints), 0) FROM hinted))
)
UPDATE core_outbox o SET
    sweep_at = $2,
    lease_until = NULL,
    deaths = o.deaths + (o.lease_until IS NOT NULL)::int,
    dead_at = CASE WHEN o.lease_until IS NOT NULL AND (o.deaths + 1 >= $5 OR o.attempts >= $6) THEN $1::timestamptz END,
    error = CASE WHEN o.lease_until IS NOT NULL THEN 'worker_died' ELSE o.error END
FROM chosen WHERE o.id = chosen.id
RETURNING o.id, chosen.rank, o.available_at, o.dead_at IS NOT NULL AS is_dead
"""

# Where the id is known, "pending" is said with coalesce: the planner must not take the index of pending messages instead of the key.
# It would while few are pending, and keep that plan when fifty thousand are.
UNHINT = """
UPDATE core_outbox SET sweep_at = NULL
WHERE id = ANY($1::uuid[]) AND lease_until IS NULL AND coalesce(done_at, dead_at) IS NULL
"""

# Locked in the order of their ids: two workers with the same hint wait for each other, never in a circle.
CLAIM = """
WITH free AS (
    SELECT id FROM core_outbox
    WHERE id = ANY($1::uuid[]) AND coalesce(done_at, dead_at) IS NULL AND lease_until IS NULL AND available_at <= $2
      AND ($4::text[] IS NULL OR task = ANY($4)) AND ($5::text[] IS NULL OR task <> ALL($5))
      AND ($6::bool IS NULL OR (deaths > 0) = $6)
    ORDER BY id LIMIT $7 FOR UPDATE)
UPDATE core_outbox o SET attempts = o.attempts + 1, lease_until = $3, sweep_at = $3
FROM free WHERE o.id = free.id
RETURNING o.id, o.merchant_id, o.task, o.payload, o.attempts
"""

RENEW = """
UPDATE core_outbox o SET lease_until = $3, sweep_at = $3 FROM unnest($1::uuid[], $2::int[]) AS held (id, attempt)
WHERE o.id = held.id AND o.attempts = held.attempt AND o.lease_until IS NOT NULL AND coalesce(o.done_at, o.dead_at) IS NULL
RETURNING o.id
"""

# `attempts` is the fence: whoever lost the lease finds another number and must undo its work.
MARK_DONE = """
UPDATE core_outbox SET done_at = $3, lease_until = NULL, sweep_at = NULL, error = NULL
WHERE id = $1 AND attempts = $2 AND lease_until IS NOT NULL AND coalesce(done_at, dead_at) IS NULL
"""

# The rest of the work is a message of its own: tries, deaths and the fence begin anew with it, and asking twice changes nothing.
CONTINUE = """
WITH turn AS (
    UPDATE core_outbox SET done_at = $3, lease_until = NULL, sweep_at = NULL, error = NULL
    WHERE id = $1 AND attempts = $2 AND lease_until IS NOT NULL AND coalesce(done_at, dead_at) IS NULL
    RETURNING merchant_id, task, payload)
INSERT INTO core_outbox (id, merchant_id, task, payload, available_at, created_at)
SELECT $4, merchant_id, task, payload, $5::timestamptz, $3 FROM turn
"""

MARK_FAILED = """
UPDATE core_outbox SET lease_until = NULL, sweep_at = NULL, error = $3, available_at = coalesce($4, available_at), dead_at = $5
WHERE id = $1 AND attempts = $2 AND lease_until IS NOT NULL AND coalesce(done_at, dead_at) IS NULL
"""

GAUGES = """
SELECT (SELECT count(*) FROM core_outbox WHERE dead_at IS NOT NULL) AS dead,
       coalesce(extract(epoch FROM $1 - min(available_at)), 0)::float8 AS age_seconds, count(*) AS due
FROM core_outbox WHERE done_at IS NULL AND dead_at IS NULL AND available_at <= $1
"""


class LeaseLost(Exception):
    """The lease ran out while the work was going on, and somebody else may be doing it: ours is undone."""


@dataclasses.dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that are due and not done, the age of the oldest, and messages that gave up."""

    due: int
    oldest_due_seconds: float
    dead: int


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A message that this process holds: nobody else acts on it while the lease lasts. `attempt` counts from 1."""

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    task: str
    payload: dict[str, Any]
    attempt: int


@dataclasses.dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep found: ids to hint, every tenant's oldest first, and how many messages it gave up because their workers died."""

    ids: Sequence[uuid.UUID]
    gave_up: int


def pause_after(attempt: int) -> dt.timedelta:
    """Return how long to wait after the failed try number `attempt`: min(6 h, 30 s × 2ⁿ) × U(0.5, 1.5), n from 0."""
    middle: dt.timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt - 1, MAX_ATTEMPTS))
    return middle * random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing


async def sweep(conn: asyncpg.Connection, now: dt.datetime) -> Sweep:
    """Find what is due at `now`, at most 20 a tenant under way, and note that it is being hinted.

    Two sweeps never return the same id.
    """
    rows = await conn.fetch(SWEEP, now, now + HINT_LIFE, PER_TENANT, MAX_HINTS, MAX_DEATHS, MAX_ATTEMPTS)
    live = sorted((row["rank"], row["available_at"], row["id"]) for row in rows if not row["is_dead"])
    return Sweep([message_id for _, _, message_id in live], len(rows) - len(live))


async def unhint(conn: asyncpg.Connection, ids: Sequence[uuid.UUID]) -> None:
    """Take back the hints of `ids`, which did not reach the broker: the next sweep finds them again."""
    await conn.execute(UNHINT, list(ids))


async def claim_many(
    conn: asyncpg.Connection,
    ids: Sequence[uuid.UUID],
    now: dt.datetime,
    *,
    tasks: Sequence[str] | None = None,
    other_than: Sequence[str] | None = None,
    is_suspect: bool | None = None,
    limit: int | None = None,
) -> list[Claim]:
    """Take the leases of those of `ids` that are due, for 60 s; not of those that are done, dead, not due, or somebody else's.

    Only messages of `tasks`, of tasks `other_than` some, those that were held by a worker that died (or were not) as `is_suspect`
    says, and the first `limit` by id, where these are given.
    """
    rows = await conn.fetch(CLAIM, list(ids), now + CLOCK_SLACK, now + LEASE, tasks, other_than, is_suspect, limit)
    return [Claim(row["id"], row["merchant_id"], row["task"], row["payload"], row["attempts"]) for row in rows]


async def claim(conn: asyncpg.Connection, message_id: uuid.UUID, now: dt.datetime) -> Claim | None:
    """Take the lease of one message; None when `claim_many` would not take it."""
    return next(iter(await claim_many(conn, [message_id], now)), None)


async def renew_many(conn: asyncpg.Connection, held: Collection[Claim], now: dt.datetime) -> set[uuid.UUID]:
    """Extend the leases by 60 s from `now`; return the ids of those that are still ours."""
    rows = await conn.fetch(RENEW, [item.id for item in held], [item.attempt for item in held], now + LEASE)
    return {row["id"] for row in rows}


async def renew(conn: asyncpg.Connection, held: Claim, now: dt.datetime) -> bool:
    """Extend one lease; False when it is lost."""
    return bool(await renew_many(conn, [held], now))


async def mark_done(conn: asyncpg.Connection, held: Claim, now: dt.datetime) -> bool:
    """Mark the message done, in the transaction of its work; False when the lease is lost and the work must be undone."""
    return bool(await conn.execute(MARK_DONE, held.id, held.attempt, now) == "UPDATE 1")


async def go_on(conn: asyncpg.Connection, held: Claim, now: dt.datetime, *, due_at: dt.datetime) -> bool:
    """End this turn of a batch and let the same task go on at `due_at`, in a new message; False when the lease is lost."""
    return bool(await conn.execute(CONTINUE, held.id, held.attempt, now, new_id(), due_at) == "INSERT 0 1")


async def mark_failed(conn: asyncpg.Connection, held: Claim, now: dt.datetime, *, reason: str, is_final: bool) -> bool:
    """Let the message wait for its next try, or make it dead when `is_final` or after 14 tries; return whether it is dead.

    `reason` is an error's code or type, never a text that may hold personal data.
    """
    is_dead = is_final or held.attempt >= MAX_ATTEMPTS
    again_at = None if is_dead else now + pause_after(held.attempt)
    await conn.execute(MARK_FAILED, held.id, held.attempt, reason, again_at, now if is_dead else None)
    return is_dead


async def read_backlog(conn: asyncpg.Connection, now: dt.datetime) -> Backlog:
    """Return how much waits at `now`."""
    [row] = await conn.fetch(GAUGES, now)
    return Backlog(row["due"], row["age_seconds"], row["dead"])
