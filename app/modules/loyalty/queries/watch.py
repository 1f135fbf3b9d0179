"""What is watched of loyalty's nightly work, across merchants."""

import datetime as dt
import uuid

from app.core.context import PlatformCtx

LATELY = dt.timedelta(days=3)

# Programs can be older than the platform that runs them (a demo's, a move from elsewhere): nothing was overdue before its first night.
# Whoever is in order is found by the runs of the last days; only for the others the whole history is looked at.
SINCE_EXPIRY = """
WITH lately AS (
    SELECT merchant_id, max(finished_at) AS at FROM core_job_runs
    WHERE kind = $1 AND started_at > $2 AND status = 'done' GROUP BY merchant_id
)
SELECT p.merchant_id, greatest(p.created_at, p.expiration_changed_at,
    (SELECT min(started_at) FROM core_schedule_runs WHERE task = $1), coalesce(lately.at, (
    SELECT max(r.finished_at) FROM core_job_runs r WHERE r.merchant_id = p.merchant_id AND r.kind = $1 AND r.status = 'done'))) AS since
FROM loyalty_programs p LEFT JOIN lately ON lately.merchant_id = p.merchant_id
WHERE p.deleted_at IS NULL AND p.points_expiration_days IS NOT NULL
"""


async def list_since_expiry(ctx: PlatformCtx, kind: str) -> list[tuple[uuid.UUID, dt.datetime]]:
    """Return the merchants whose points expire, each with the last success of the task `kind`: at the earliest, when they began to, or when
    the clock first started that task here."""
    rows = await ctx.conn.fetch(SINCE_EXPIRY, kind, ctx.now - LATELY)
    return [(row["merchant_id"], row["since"]) for row in rows]
