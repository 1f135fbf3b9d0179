"""Consents: every statement is kept with the text it was about, and the latest one counts."""

import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.customers.domain.consent import ConsentAction, ConsentPurpose, ConsentRecord, ConsentSource, has_consent
from app.modules.customers.queries import consents

INSERT = """
INSERT INTO customer_consents (merchant_id, id, customer_id, purpose, action, source, text_version, locale, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def record_consents(
    ctx: Ctx,
    customer_id: uuid.UUID,
    *,
    text_version: str,
    source: ConsentSource,
    locale: str,
    terms: bool | None = None,
    marketing: bool | None = None,
) -> list[ConsentRecord]:
    """Add a statement for each of `terms` and `marketing` that is not None and says something new; return those added.

    `text_version` names the text that was shown, `locale` its language. Saying the same again about the same text adds
    nothing, and neither does refusing what was never granted.
    """
    history = await consents.list_consents(ctx, customer_id)
    added = []
    for purpose, wish in ((ConsentPurpose.TERMS, terms), (ConsentPurpose.MARKETING, marketing)):
        if wish is None:
            continue
        action = ConsentAction.GRANTED if wish else ConsentAction.WITHDRAWN
        record = ConsentRecord(purpose=purpose, action=action, source=source, text_version=text_version, locale=locale, at=ctx.now)
        if _says_something_new(history, record):
            values = (str(purpose), str(action), str(source), text_version, locale, ctx.now)
            await ctx.conn.execute(INSERT, ctx.merchant_id, new_id(), customer_id, *values)
            added.append(record)
    return added


def _says_something_new(history: list[ConsentRecord], record: ConsentRecord) -> bool:
    is_granted = has_consent(history, record.purpose)
    if record.action is ConsentAction.WITHDRAWN:
        return is_granted
    about_same_text = any(old.purpose is record.purpose and old.text_version == record.text_version for old in history)
    return not (is_granted and about_same_text)


async def list_consents(ctx: Ctx, customer_id: uuid.UUID) -> list[ConsentRecord]:
    """Return every statement of the customer, oldest first."""
    return await consents.list_consents(ctx, customer_id)


async def current_consents(ctx: Ctx, customer_id: uuid.UUID) -> frozenset[ConsentPurpose]:
    """Return what the customer consents to today."""
    history = await consents.list_consents(ctx, customer_id)
    return frozenset(purpose for purpose in ConsentPurpose if has_consent(history, purpose))


async def filter_marketing_consent(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Return those of `customer_ids` who consent to marketing mail at this moment, in one statement; strangers do not."""
    return await consents.filter_granted(ctx, customer_ids, ConsentPurpose.MARKETING)
