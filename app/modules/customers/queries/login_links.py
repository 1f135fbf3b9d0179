"""Reading mailed links."""

import datetime as dt
import uuid

from app.core.context import Ctx
from app.modules.customers.domain.customer import LoginLinkRecord

FIND = "SELECT id, customer_id, purpose, expires_at, used_at FROM customer_login_links WHERE merchant_id = $1 AND token_hash = $2"
COUNT_SINCE = """
SELECT count(*) FROM customer_login_links
WHERE merchant_id = $1 AND customer_id = $2 AND created_at > $3 AND token_hash IS DISTINCT FROM $4
"""


async def find_login_link(ctx: Ctx, token_hash: bytes) -> LoginLinkRecord | None:
    """Return the link with this hash, used and expired ones included, or None."""
    row = await ctx.conn.fetchrow(FIND, ctx.merchant_id, token_hash)
    return LoginLinkRecord(**dict(row)) if row else None


async def count_links_since(ctx: Ctx, customer_id: uuid.UUID, since: dt.datetime, *, but: bytes | None = None) -> int:
    """Return how many links the customer was sent after `since`, leaving out the one with the hash `but`."""
    count: int = await ctx.conn.fetchval(COUNT_SINCE, ctx.merchant_id, customer_id, since, but)
    return count
