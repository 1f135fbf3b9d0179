"""Who was here last. No index of cards names the time of a visit, as every stamp would have to change it: the ledger is read
from its end, and a person counts at their latest visit."""

import uuid

from app.core.context import Ctx
from app.core.db.lists import Where, newest_first, read_page, read_sifted_page, sift_by
from app.core.pagination import Page
from app.modules.customers.public import Sift

VISITS = "('stamp_earned', 'points_earned', 'stamp_redeemed', 'points_redeemed')"
"""The rows that a person causes by being there."""

LATEST_VISITS = """
SELECT t.id, t.created_at, c.customer_id
FROM loyalty_transactions t
JOIN loyalty_cards c ON c.merchant_id = t.merchant_id AND c.id = t.card_id AND c.customer_id IS NOT NULL AND c.deleted_at IS NULL
"""
IS_LATEST = f"""t.merchant_id = ? AND t.type IN {VISITS} AND NOT EXISTS (
  SELECT FROM loyalty_cards other
  JOIN loyalty_transactions later ON later.merchant_id = other.merchant_id AND later.card_id = other.id AND later.type IN {VISITS}
    AND (later.created_at, later.id) > (t.created_at, t.id)
  WHERE other.merchant_id = t.merchant_id AND other.customer_id = c.customer_id AND other.deleted_at IS NULL)"""
ORDER = newest_first("t")


async def list_by_last_visit(ctx: Ctx, *, cursor: str | None = None, limit: int = 25, sift: Sift | None = None) -> Page[uuid.UUID]:
    """Return the ids of a page of customers, who was here last first; who never was is not among them. Otherwise as `list_customers`."""
    where = Where().add(IS_LATEST, ctx.merchant_id)
    if sift is None:
        page = await read_page(ctx.conn, LATEST_VISITS, where, ORDER, cursor=cursor, limit=limit)
    else:
        page = await read_sifted_page(ctx.conn, LATEST_VISITS, where, ORDER, sift=sift_by("customer_id", sift), cursor=cursor, limit=limit)
    return Page([row["customer_id"] for row in page.items], page.next_cursor, page.previous_cursor)
