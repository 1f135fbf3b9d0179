"""What the operator is told, once per alert, phase and channel: queued in PostgreSQL, sent and tried again by beat.

Not through the outbox: the alert that the outbox does not move must not wait in it (docs/adr/0013-alerts-beside-the-outbox.md).
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Literal

import asyncpg

from app.core.alerts.store import Alert

Phase = Literal["opened", "cleared"]
MOST_TOLD = 20
"""Of one rule, at most so many open alerts are told: more would bury the operator, and the health page lists them all."""
FIRST_PAUSE = dt.timedelta(seconds=30)
LONGEST_PAUSE = dt.timedelta(hours=1)
MAX_ATTEMPTS = 14
MOST_AT_ONCE = 50

QUEUE_OPENED = """
INSERT INTO core_alert_notices (alert_id, phase, channel, due_at)
SELECT a.id, 'opened', c.channel, $1 FROM (
    SELECT id, row_number() OVER (PARTITION BY rule ORDER BY opened_at, id) AS place FROM core_alerts WHERE cleared_at IS NULL) a
CROSS JOIN unnest($2::text[]) AS c (channel) WHERE a.place <= $3
ON CONFLICT DO NOTHING
"""
QUEUE_CLEARED = """
INSERT INTO core_alert_notices (alert_id, phase, channel, due_at)
SELECT n.alert_id, 'cleared', n.channel, $1 FROM core_alert_notices n JOIN core_alerts a ON a.id = n.alert_id
WHERE n.phase = 'opened' AND a.cleared_at IS NOT NULL AND n.channel = ANY($2)
AND NOT EXISTS (SELECT FROM core_alert_notices m WHERE m.alert_id = n.alert_id AND m.phase = 'cleared' AND m.channel = n.channel)
ON CONFLICT DO NOTHING
"""
# The end is told after the beginning.
DUE = """
SELECT n.phase, n.channel, n.attempts, a.id, a.merchant_id, a.rule, a.subject, a.severity, a.details, a.opened_at, a.seen_at, a.cleared_at
FROM core_alert_notices n JOIN core_alerts a ON a.id = n.alert_id
WHERE n.due_at <= $1 AND n.channel = ANY($2) AND (n.phase = 'opened' OR NOT EXISTS (
    SELECT FROM core_alert_notices o
    WHERE o.alert_id = n.alert_id AND o.channel = n.channel AND o.phase = 'opened' AND o.due_at IS NOT NULL))
ORDER BY n.due_at, a.opened_at LIMIT $3
"""
TAKE = """
UPDATE core_alert_notices SET attempts = attempts + 1, due_at = $6
WHERE alert_id = $1 AND phase = $2 AND channel = $3 AND attempts = $4 AND due_at <= $5
"""
SENT = "UPDATE core_alert_notices SET sent_at = $4, due_at = NULL, error = NULL WHERE alert_id = $1 AND phase = $2 AND channel = $3"
FAILED = """
UPDATE core_alert_notices SET error = $4, due_at = CASE WHEN $5 THEN NULL ELSE due_at END
WHERE alert_id = $1 AND phase = $2 AND channel = $3
"""
TROUBLE = """
SELECT channel, error, count(*) AS count FROM core_alert_notices WHERE sent_at IS NULL AND error IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """That `alert` opened, or cleared, for one channel. `attempts` is how often it has been tried."""

    alert: Alert
    phase: Phase
    channel: str
    attempts: int


@dataclasses.dataclass(frozen=True, slots=True)
class Trouble:
    """Notices that could not be sent so far, by channel and reason."""

    channel: str
    reason: str
    count: int


async def queue(conn: asyncpg.Connection, channels: Sequence[str], now: dt.datetime) -> None:
    """Note whatever has to be told on `channels`: alerts that are open, and the end of those that were told."""
    await conn.execute(QUEUE_OPENED, now, list(channels), MOST_TOLD)
    await conn.execute(QUEUE_CLEARED, now, list(channels))


async def list_due(conn: asyncpg.Connection, channels: Sequence[str], now: dt.datetime) -> Sequence[Notice]:
    """Return what is to be sent now, the oldest first."""
    rows = [dict(row) for row in await conn.fetch(DUE, now, list(channels), MOST_AT_ONCE)]
    return [Notice(phase=row.pop("phase"), channel=row.pop("channel"), attempts=row.pop("attempts"), alert=Alert(**row)) for row in rows]


async def take(conn: asyncpg.Connection, notice: Notice, now: dt.datetime) -> bool:
    """Take `notice` for one try, the next not before the pause; False when somebody else has it."""
    is_last = notice.attempts + 1 >= MAX_ATTEMPTS
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**notice.attempts)
    values = (notice.alert.id, notice.phase, notice.channel, notice.attempts, now, None if is_last else now + pause)
    return bool(await conn.execute(TAKE, *values) == "UPDATE 1")


async def note_sent(conn: asyncpg.Connection, notice: Notice, now: dt.datetime) -> None:
    """Note that it is sent: never again."""
    await conn.execute(SENT, notice.alert.id, notice.phase, notice.channel, now)


async def note_failed(conn: asyncpg.Connection, notice: Notice, reason: str, *, is_final: bool) -> None:
    """Keep the reason, an error's code; `is_final` when no other try can help."""
    await conn.execute(FAILED, notice.alert.id, notice.phase, notice.channel, reason, is_final)


async def list_trouble(conn: asyncpg.Connection) -> Sequence[Trouble]:
    """Return why the operator could not be told, for the health page."""
    return [Trouble(row["channel"], row["error"], row["count"]) for row in await conn.fetch(TROUBLE)]
