"""What is read of a person's cards for an erasure, and for the data that they may have."""

import uuid
from collections.abc import Sequence

from app.core.context import Ctx

COUNT_TRANSACTIONS = "SELECT count(*) FROM loyalty_transactions WHERE merchant_id = $1 AND card_id = ANY($2::uuid[])"


async def count_transactions(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> int:
    """Return how many rows of history these cards have."""
    count: int = await ctx.conn.fetchval(COUNT_TRANSACTIONS, ctx.merchant_id, list(card_ids))
    return count
