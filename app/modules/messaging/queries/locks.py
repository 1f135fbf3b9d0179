"""The row locks of this module."""

import uuid

from app.core.context import Ctx

# A row that is held is that of a mail on its way: whoever sends it leaves the address out when they note the outcome.
LOCK_LOGGED = """
SELECT id FROM email_logs
WHERE merchant_id = $1 AND customer_id = $2 AND num_nonnulls(recipient, provider_message_id) > 0 ORDER BY id FOR UPDATE
"""
LOCK_FREE_LOGGED = f"{LOCK_LOGGED}SKIP LOCKED"


async def lock_logged_mails(ctx: Ctx, customer_id: uuid.UUID, *, skip_held: bool) -> list[uuid.UUID]:
    """Lock the log's rows that still lead to the customer and return their ids; with `skip_held` without those that somebody holds."""
    rows = await ctx.conn.fetch(LOCK_FREE_LOGGED if skip_held else LOCK_LOGGED, ctx.merchant_id, customer_id)
    return [row["id"] for row in rows]
