"""What tenancy keeps for a time and no longer. 500 rows a transaction; a full one makes the next follow at once."""

import datetime as dt

from app.core.context import PlatformCtx
from app.modules.tenancy.queries import counters, sessions, users

CHUNK = 500
KEEP_ENDED = dt.timedelta(days=7)
KEEP_COUNTERS = dt.timedelta(days=1)


async def forget_sessions(ctx: PlatformCtx) -> None:
    """Delete sessions and links to set a password a week after they ran out, and counters of tries after a day."""
    deleted = await sessions.purge(ctx.conn, ctx.now - KEEP_ENDED, CHUNK)
    deleted = max(deleted, await users.purge_links(ctx.conn, ctx.now - KEEP_ENDED, CHUNK))
    deleted = max(deleted, await counters.purge(ctx.conn, ctx.now - KEEP_COUNTERS, CHUNK))
    if deleted == CHUNK:
        ctx.enqueue("tenancy.forget_sessions")
