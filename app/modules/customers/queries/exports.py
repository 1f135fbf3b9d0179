"""People as lines of a CSV file, written by the database: a cell of text is in quotation marks and never a formula.

`$2` is what divides the cells; instants are in the zone that the transaction has set.
"""

import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.core.db.cells import Selection, cell, instant, joined
from app.modules.customers.domain.consent import ConsentAction, ConsentPurpose

PERSON_COLUMNS = ("email", "first_name", "last_name", "phone", "birth_date", "language", "marketing", "marketing_at")
CUSTOMER_COLUMNS = (*PERSON_COLUMNS, "store", "enrolled_at")

# Of two statements at one instant a withdrawal counts, as in domain/consent.py.
MARKETING = f"""
LEFT JOIN LATERAL (
  SELECT s.action, s.at FROM customer_consents s
  WHERE s.merchant_id = c.merchant_id AND s.customer_id = c.id AND s.purpose = '{ConsentPurpose.MARKETING}'
  ORDER BY s.at DESC, s.action DESC LIMIT 1) m ON true
"""
PERSON = joined(
    cell("c.email"), cell("c.first_name"), cell("c.last_name"), cell("c.phone"), "coalesce(c.birth_date::text, '')", "c.locale",
    f"CASE m.action WHEN '{ConsentAction.GRANTED}' THEN 'yes' WHEN '{ConsentAction.WITHDRAWN}' THEN 'no' ELSE '' END", instant("m.at"),
)  # fmt: skip
BY_IDS = f"SELECT c.id, {PERSON} AS line FROM customers c {MARKETING} WHERE c.merchant_id = $1 AND c.id = ANY($3::uuid[])"
LIST = f"""
SELECT c.id, {PERSON} || $2 || {joined(cell("s.code"), instant("c.created_at"))} AS line
FROM customers c {MARKETING}
LEFT JOIN unnest($6::uuid[], $7::text[]) AS s (id, code) ON s.id = c.registered_store_id
WHERE c.merchant_id = $1 AND c.id > $3 AND c.anonymized_at IS NULL AND c.created_at >= $4 AND c.created_at < $5
  AND ($8::uuid IS NULL OR c.registered_store_id = $8)
ORDER BY c.id LIMIT $9
"""


async def find_lines(ctx: Ctx, customer_ids: Sequence[uuid.UUID], *, delimiter: str) -> dict[uuid.UUID, str]:
    """Return the cells PERSON_COLUMNS of some customers, divided by `delimiter`, by id."""
    rows = await ctx.conn.fetch(BY_IDS, ctx.merchant_id, delimiter, list(customer_ids)) if customer_ids else []
    return {row[0]: row[1] for row in rows}


async def list_lines(ctx: Ctx, selection: Selection, *, after_id: uuid.UUID, limit: int) -> list[tuple[uuid.UUID, str]]:
    """Return live customers of the selection by id behind `after_id`: CUSTOMER_COLUMNS."""
    rows = await ctx.conn.fetch(LIST, ctx.merchant_id, selection.delimiter, after_id, *selection.bindings, limit)
    return [(row[0], row[1]) for row in rows]
