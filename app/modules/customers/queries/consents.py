"""Reading consents and what is remembered of erased people."""

import datetime as dt
import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.modules.customers.domain.consent import ConsentAction, ConsentPurpose, ConsentRecord, ConsentSource

LIST = """
SELECT purpose, action, source, text_version, locale, at FROM customer_consents
WHERE merchant_id = $1 AND customer_id = $2 ORDER BY at, id
"""
# Of two statements at one instant a withdrawal counts, as in domain/consent.py.
FILTER_GRANTED = """
SELECT customer_id FROM (
  SELECT DISTINCT ON (customer_id) customer_id, action FROM customer_consents
  WHERE merchant_id = $1 AND customer_id = ANY($2::uuid[]) AND purpose = $3
  ORDER BY customer_id, at DESC, action DESC
) latest WHERE action = 'granted'
"""
FIND_ERASED_DAYS = "SELECT fingerprint, erased_on FROM customer_returning_guards WHERE merchant_id = $1 AND fingerprint = ANY($2)"
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
            locale=row["locale"],
            at=row["at"],
        )
        for row in rows
    ]


async def find_erased_on(ctx: Ctx, fingerprint: bytes) -> dt.date | None:
    """Return the day on which somebody with this fingerprint was last erased, or None."""
    day: dt.date | None = await ctx.conn.fetchval(FIND_ERASED_ON, ctx.merchant_id, fingerprint)
    return day


async def filter_granted(ctx: Ctx, customer_ids: Sequence[uuid.UUID], purpose: ConsentPurpose) -> frozenset[uuid.UUID]:
    """Return those of `customer_ids` whose latest statement on `purpose` grants it, in one statement."""
    if not customer_ids:
        return frozenset()
    rows = await ctx.conn.fetch(FILTER_GRANTED, ctx.merchant_id, list(customer_ids), purpose.value)
    return frozenset(row["customer_id"] for row in rows)


async def find_erased_days(ctx: Ctx, fingerprints: Sequence[bytes]) -> dict[bytes, dt.date]:
    """Return for each of `fingerprints` that is remembered the day on which somebody with it was last erased."""
    rows = await ctx.conn.fetch(FIND_ERASED_DAYS, ctx.merchant_id, list(fingerprints)) if fingerprints else []
    return {row["fingerprint"]: row["erased_on"] for row in rows}
