"""Alerts that are open, and those that were: one row per rule and subject while it lasts."""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from app.core.alerts.rules import AlertRule, Severity, find_rule
from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id

COLUMNS = "id, merchant_id, rule, subject, severity, details, opened_at, seen_at, cleared_at"

OPEN = """
INSERT INTO core_alerts (id, merchant_id, rule, subject, severity, details, opened_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (merchant_id, rule, subject) WHERE cleared_at IS NULL
DO UPDATE SET details = excluded.details, seen_at = greatest(core_alerts.seen_at, excluded.seen_at)
"""
CLEAR = """
UPDATE core_alerts SET cleared_at = $4
WHERE merchant_id IS NOT DISTINCT FROM $1 AND rule = $2 AND subject = $3 AND cleared_at IS NULL
"""
LIST_OPEN = f"""
SELECT {COLUMNS} FROM core_alerts WHERE cleared_at IS NULL AND ($1::text IS NULL OR rule = $1)
ORDER BY array_position(ARRAY['page', 'warn', 'investigate'], severity), opened_at DESC, id LIMIT $2
"""
LIST_CLEARED = f"SELECT {COLUMNS} FROM core_alerts WHERE cleared_at >= $1 ORDER BY cleared_at DESC, id LIMIT $2"
COUNT = "SELECT rule, count(*) AS count FROM core_alerts WHERE cleared_at IS NULL GROUP BY rule"
MOST_SHOWN = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Alert:
    """One alert: which rule, about what, since when, until when. `details` hold what was seen last."""

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    rule: str
    subject: str
    severity: Severity
    details: Mapping[str, Any]
    opened_at: dt.datetime
    seen_at: dt.datetime
    cleared_at: dt.datetime | None


async def open_alert(
    ctx: Ctx | PlatformCtx, rule: AlertRule | str, *, subject: str, merchant_id: uuid.UUID | None = None, details: Mapping[str, int | str]
) -> None:
    """Open the alert `rule` about `subject`; while it is open only its details and the time it was last seen change.

    Within a merchant's context the alert is that merchant's. `details` are ids, numbers and codes, nothing personal. The
    operator is told by beat, within a minute after the commit. KeyError for a rule that nobody declared.
    """
    if isinstance(rule, str):
        found = find_rule(rule)
        if found is None:
            raise KeyError(rule)
        rule = found
    await ctx.conn.execute(
        OPEN, new_id(), _merchant_of(ctx, merchant_id), rule.name, subject, rule.severity, json.dumps(dict(details)), ctx.now
    )


async def clear_alert(ctx: Ctx | PlatformCtx, rule: AlertRule | str, *, subject: str, merchant_id: uuid.UUID | None = None) -> bool:
    """Note that the alert is over; return whether it was open. The operator is told if they were told that it opened."""
    name = rule if isinstance(rule, str) else rule.name
    status: str = await ctx.conn.execute(CLEAR, _merchant_of(ctx, merchant_id), name, subject, ctx.now)
    return status == "UPDATE 1"


async def list_alerts(conn: asyncpg.Connection, *, rule: str | None = None, limit: int = MOST_SHOWN) -> Sequence[Alert]:
    """Return open alerts, the most severe first, then the latest; with `rule` that rule's only."""
    return [Alert(**dict(row)) for row in await conn.fetch(LIST_OPEN, rule, limit)]


async def list_cleared(conn: asyncpg.Connection, since: dt.datetime, limit: int = 20) -> Sequence[Alert]:
    """Return alerts that ended at `since` or later, the latest first."""
    return [Alert(**dict(row)) for row in await conn.fetch(LIST_CLEARED, since, limit)]


async def count_open(conn: asyncpg.Connection) -> Mapping[str, int]:
    """Return how many alerts are open, by rule; rules without any are left out."""
    return {row["rule"]: row["count"] for row in await conn.fetch(COUNT)}


def _merchant_of(ctx: Ctx | PlatformCtx, merchant_id: uuid.UUID | None) -> uuid.UUID | None:
    if isinstance(ctx, PlatformCtx):
        return merchant_id
    if merchant_id not in (None, ctx.merchant_id):
        raise ValueError("an alert of another merchant")
    return ctx.merchant_id
