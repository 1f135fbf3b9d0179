"""People as lines of a CSV file, written by the database (see app/core/db/cells.py); instants are in the zone of the transaction."""

import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.core.db.cells import Selection, cell, copy_lines, instant, instant_cell, joined, last_cell, safe
from app.modules.customers.domain.consent import ConsentAction, ConsentPurpose

PERSON_COLUMNS = ("email", "first_name", "last_name", "phone", "birth_date", "language", "marketing", "marketing_at")
CUSTOMER_COLUMNS = (*PERSON_COLUMNS, "store", "enrolled_at", "customer_id")

# Of two statements at one instant a withdrawal counts, as in domain/consent.py.
MARKETING = f"""
LEFT JOIN LATERAL (
  SELECT s.action, s.at FROM customer_consents s
  WHERE s.merchant_id = c.merchant_id AND s.customer_id = c.id AND s.purpose = '{ConsentPurpose.MARKETING}'
  ORDER BY s.at DESC, s.action DESC LIMIT 1) m ON true
"""
ANSWER = f"CASE m.action WHEN '{ConsentAction.GRANTED}' THEN 'yes' WHEN '{ConsentAction.WITHDRAWN}' THEN 'no' ELSE '' END"
TEXTS = ("c.email", "c.first_name", "c.last_name", "c.phone")
PERSON = joined(*(cell(text) for text in TEXTS), "coalesce(c.birth_date::text, '')", "c.locale", ANSWER, instant_cell("m.at"))
IN_ORDER = f"""
SELECT {PERSON} FROM unnest($3::uuid[]) WITH ORDINALITY AS w (id, number)
LEFT JOIN customers c ON c.merchant_id = $1 AND c.id = w.id {MARKETING} ORDER BY w.number
"""
LIST = f"""
SELECT {", ".join(safe(text) for text in TEXTS)}, c.birth_date, c.locale, {ANSWER}, {instant("m.at")}, s.code,
       {instant("c.created_at")}, c.id
FROM (
  SELECT * FROM customers r
  WHERE r.merchant_id = $1 AND r.id > $2 AND r.anonymized_at IS NULL AND r.created_at >= $3 AND r.created_at < $4
    AND ($7::uuid IS NULL OR r.registered_store_id = $7)
  ORDER BY r.id LIMIT $8) c {MARKETING}
LEFT JOIN unnest($5::uuid[], $6::text[]) AS s (id, code) ON s.id = c.registered_store_id
ORDER BY c.id
"""


async def find_lines(ctx: Ctx, customer_ids: Sequence[uuid.UUID | None], *, delimiter: str) -> list[str | None]:
    """Return the cells PERSON_COLUMNS of customers, divided by `delimiter`, in the order of `customer_ids`; None for nobody."""
    rows = await ctx.conn.fetch(IN_ORDER, ctx.merchant_id, delimiter, list(customer_ids)) if customer_ids else []
    return [row[0] for row in rows]


async def list_lines(ctx: Ctx, selection: Selection, *, after_id: uuid.UUID, limit: int) -> tuple[bytes, uuid.UUID | None]:
    """Return live customers of the selection by id behind `after_id` as lines of CUSTOMER_COLUMNS, and the last one's id when there
    may be more."""
    bindings = (ctx.merchant_id, after_id, *selection.bindings, limit)
    lines, count = await copy_lines(ctx.conn, LIST, *bindings, delimiter=selection.delimiter)
    return lines, uuid.UUID(last_cell(lines, selection.delimiter)) if count == limit else None
