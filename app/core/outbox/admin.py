"""What the platform's admin sees of the background work, and may do about it. `conn` is that of a PlatformCtx."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg

from app.core.db import heartbeats
from app.core.outbox import claims
from app.core.pagination import DEFAULT_PAGE, Page, page_of, parse_instant, read_cursor

LIST_DEAD = """
SELECT id, merchant_id, task, attempts, deaths, error, created_at, dead_at FROM core_outbox
WHERE dead_at IS NOT NULL AND ($1::timestamptz IS NULL OR (dead_at, id) < ($1, $2::uuid))
ORDER BY dead_at DESC, id DESC LIMIT $3
"""

RETRY_DEAD = """
UPDATE core_outbox SET dead_at = NULL, error = NULL, attempts = 0, deaths = 0, lease_until = NULL, sweep_at = NULL, available_at = $2
WHERE id = $1 AND dead_at IS NOT NULL RETURNING merchant_id, task
"""

RETRY_DEAD_OF = """
WITH chosen AS (SELECT id FROM core_outbox WHERE task = $1 AND dead_at IS NOT NULL ORDER BY dead_at, id LIMIT $3), again AS (
    UPDATE core_outbox o SET dead_at = NULL, error = NULL, attempts = 0, deaths = 0, lease_until = NULL, sweep_at = NULL, available_at = $2
    FROM chosen WHERE o.id = chosen.id AND o.dead_at IS NOT NULL RETURNING 1)
SELECT count(*) FROM again
"""
MOST_RETRIED = 5000
"""So many at once: one statement that stays short. What is left is seen on the page."""

COUNT_DEAD = "SELECT task, count(*) AS count FROM core_outbox WHERE dead_at IS NOT NULL GROUP BY task ORDER BY count(*) DESC, task"


@dataclasses.dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message that gave up; `reason` is an error's code or type."""

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    task: str
    attempts: int
    deaths: int
    reason: str | None
    created_at: dt.datetime
    dead_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Retried:
    """What was started again: whose message, and which task."""

    merchant_id: uuid.UUID | None
    task: str


LATE_SECONDS = 300.0
"""A message that is due for longer shows that the background work does not keep up."""


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """The background work at one instant: processes that gave a sign lately or did not, messages due, their age, the dead."""

    processes: Sequence[heartbeats.Process]
    due: int
    oldest_due_seconds: float
    dead: int

    @property
    def missing(self) -> Sequence[heartbeats.Kind]:
        """The kinds of which no process is alive."""
        alive = {process.kind for process in self.processes if process.is_alive}
        return [kind for kind in heartbeats.KINDS if kind not in alive]

    @property
    def is_late(self) -> bool:
        """Whether the oldest message due waits for too long."""
        return self.oldest_due_seconds > LATE_SECONDS

    @property
    def is_well(self) -> bool:
        """Whether every kind of process lives, nothing is late and nothing gave up."""
        return not self.missing and not self.is_late and self.dead == 0


async def list_dead(conn: asyncpg.Connection, cursor: str | None = None, limit: int = DEFAULT_PAGE) -> Page[DeadMessage]:
    """Return dead messages, the latest first; BadCursor for a cursor that is not ours."""
    after = (None, None) if cursor is None else read_cursor(cursor, parse_instant, uuid.UUID)
    rows = await conn.fetch(LIST_DEAD, *after, limit + 1)
    messages = [
        DeadMessage(
            row["id"], row["merchant_id"], row["task"], row["attempts"], row["deaths"], row["error"], row["created_at"], row["dead_at"]
        )
        for row in rows
    ]
    return page_of(messages, limit, lambda message: (message.dead_at.isoformat(), str(message.id)))


async def retry_dead(conn: asyncpg.Connection, message_id: uuid.UUID, now: dt.datetime) -> Retried | None:
    """Give a dead message all its tries again, from `now`; None when there is no such dead message."""
    row = await conn.fetchrow(RETRY_DEAD, message_id, now)
    return Retried(row["merchant_id"], row["task"]) if row else None


async def retry_dead_of(conn: asyncpg.Connection, task: str, now: dt.datetime) -> int:
    """Give the dead messages of `task` all their tries again, the oldest 5,000 at most; return how many those were."""
    count: int = await conn.fetchval(RETRY_DEAD_OF, task, now, MOST_RETRIED)
    return count


async def count_dead(conn: asyncpg.Connection) -> dict[str, int]:
    """Return how many messages gave up, by task, the most first."""
    return {row["task"]: row["count"] for row in await conn.fetch(COUNT_DEAD)}


async def read_health(conn: asyncpg.Connection, now: dt.datetime) -> Health:
    """Return the state of the background work at `now`."""
    backlog = await claims.read_backlog(conn, now)
    return Health(await heartbeats.list_processes(conn, now), backlog.due, backlog.oldest_due_seconds, backlog.dead)
