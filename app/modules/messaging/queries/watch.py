"""What is watched of the log of mails, across merchants."""

import datetime as dt

from app.core.context import PlatformCtx

# A mail that the next server took and that came back hard was not delivered either.
COUNT_FAILING = """
SELECT count(*) FILTER (WHERE is_failing) AS failing, count(*) FILTER (WHERE is_failing OR state = 'sent') AS decided
FROM (SELECT state, state = 'failed' OR coalesce(delivery = 'hard_bounce', false) OR (state = 'queued' AND attempts >= $3) AS is_failing
      FROM email_logs WHERE created_at > $1 AND created_at <= $2) mail
"""


async def count_failing(ctx: PlatformCtx, *, window: dt.timedelta, after_tries: int) -> tuple[int, int]:
    """Return how many mails begun within the `window` failed or still fail after so many tries, and of how many that is known."""
    [row] = await ctx.conn.fetch(COUNT_FAILING, ctx.now - window, ctx.now, after_tries)
    return row["failing"], row["decided"]
