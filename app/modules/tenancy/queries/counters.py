"""Counters of tries, raised before the check (reliability.md, promise 9)."""

import dataclasses
import datetime as dt

import asyncpg

from app.modules.tenancy.queries.sessions import affected

# A lock or a window that is over starts anew. The try that reaches the limit is still checked and sets the lock; later ones
# are not checked, and do not prolong it.
RAISE = """
INSERT INTO tenancy_login_counters AS c (subject, attempts, window_started_at, locked_until)
VALUES ($1, 1, $2::timestamptz, CASE WHEN $3::int = 1 THEN $2::timestamptz + $4::interval END)
ON CONFLICT (subject) DO UPDATE SET (attempts, window_started_at, locked_until) = (
    SELECT CASE WHEN is_over THEN 1 ELSE least(c.attempts, $3) + 1 END,
           CASE WHEN is_over THEN $2 ELSE c.window_started_at END,
           CASE WHEN is_over THEN NULL WHEN c.attempts + 1 = $3 THEN $2 + $4 ELSE c.locked_until END
    FROM (SELECT coalesce(c.locked_until, c.window_started_at + $4) <= $2 AS is_over) AS present)
RETURNING attempts, locked_until
"""
FORGET = "DELETE FROM tenancy_login_counters WHERE subject = $1"
TAKE_BACK = "UPDATE tenancy_login_counters SET attempts = attempts - 1, locked_until = NULL WHERE subject = $1 AND attempts <= $2"
PURGE = """
DELETE FROM tenancy_login_counters WHERE subject IN (
    SELECT subject FROM tenancy_login_counters WHERE window_started_at < $1 AND (locked_until IS NULL OR locked_until < $1) LIMIT $2)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """`tries` wrong ones within `period` lock for `period`."""

    tries: int
    period: dt.timedelta


async def raise_counter(conn: asyncpg.Connection, subject: bytes, limit: Limit, now: dt.datetime) -> dt.datetime | None:
    """Count one try of `subject`; return until when it is locked if this try must not be checked, else None.

    Holds the counter's row until the transaction ends, so that rivals try one after the other.
    """
    (row,) = await conn.fetch(RAISE, subject, now, limit.tries, limit.period)
    locked_until: dt.datetime | None = row["locked_until"]
    return locked_until if row["attempts"] > limit.tries else None


async def forget(conn: asyncpg.Connection, subject: bytes) -> None:
    """Start anew after a right try."""
    await conn.execute(FORGET, subject)


async def take_back(conn: asyncpg.Connection, subject: bytes, limit: Limit) -> None:
    """Uncount one try that was right, of a subject that many people share."""
    await conn.execute(TAKE_BACK, subject, limit.tries)


async def purge(conn: asyncpg.Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to `limit` counters that say nothing any more; return how many."""
    return affected(await conn.execute(PURGE, before, limit))
