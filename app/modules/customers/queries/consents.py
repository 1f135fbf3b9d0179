"""Reading consents and what is remembered of erased people."""

import datetime as dt
import uuid

from app.core.context import Ctx
from app.modules.customers.domain.consent import ConsentAction, ConsentPurpose, ConsentRecord, ConsentSource

LIST = """
SELECT purpose, action, source, text_version, at FROM customer_consents
WHERE merchant_id = $1 AND customer_id = $2 ORDER BY at, id
"""
FIND_ERASED_ON = "SELECT erased_on FROM customer_returning_guards WHERE merchant_id = $1 AND fingerprint = $2"


async def list_consents(ctx: Ctx, customer_id: uuid.UUID) -> list[ConsentRecord]:
    """Return every statement of the customer, oldest first."""
    rows = await ctx.conn.fetch(LIST, ctx.merchant_id, customer_id)
    return [
        ConsentRecord(
            purpose=ConsentPurpose(row["purpose"]),
            action=ConsentAction(row["action"]),
            source=ConsentSource(row["source"]),
            text_version=row["text_version"],
            at=row["at"],
        )
        for row in rows
    ]


async def find_erased_on(ctx: Ctx, fingerprint: bytes) -> dt.date | None:
    """Return the day on which somebody with this fingerprint was last erased, or None."""
    day: dt.date | None = await ctx.conn.fetchval(FIND_ERASED_ON, ctx.merchant_id, fingerprint)
    return day
