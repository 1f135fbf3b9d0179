"""What core's rules measure. Each is asked every minute in a unit of work of its own."""

import datetime as dt
from collections.abc import Sequence

from app.core.alerts.rules import Reading
from app.core.context import PlatformCtx
from app.core.observability import OUTBOX_AGE_SECONDS, OUTBOX_DEAD
from app.core.outbox import claims

REFUSALS_WINDOW = dt.timedelta(minutes=5)
"""A store's alert stays open for this long after its last busy minute, so that it does not flicker."""

REFUSALS = "SELECT store_id, max(count) AS count FROM core_store_refusals WHERE minute > $1 AND minute <= $2 GROUP BY store_id"


async def measure_lateness(ctx: PlatformCtx) -> Sequence[Reading]:
    """Seconds for which the oldest message has been due."""
    backlog = await claims.read_backlog(ctx.conn, ctx.now)
    OUTBOX_AGE_SECONDS.set(backlog.oldest_due_seconds)  # from here as well: a relay that is gone tells nothing
    details = {"minutes": int(backlog.oldest_due_seconds // 60), "due": backlog.due}
    return [Reading(backlog.oldest_due_seconds, details=details)]


async def measure_dead(ctx: PlatformCtx) -> Sequence[Reading]:
    """Messages that gave up."""
    backlog = await claims.read_backlog(ctx.conn, ctx.now)
    OUTBOX_DEAD.set(backlog.dead)
    return [Reading(backlog.dead, details={"dead": backlog.dead})]


async def measure_refusals(ctx: PlatformCtx) -> Sequence[Reading]:
    """Answers 429 in the busiest of the last minutes, for each store."""
    rows = await ctx.conn.fetch(REFUSALS, ctx.now - REFUSALS_WINDOW, ctx.now)
    return [Reading(row["count"], subject=str(row["store_id"]), details={"count": row["count"]}) for row in rows]
