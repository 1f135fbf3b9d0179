"""People who are there twice: found, and made one person. The one who goes leaves an empty row that leads to the one who stays."""

import dataclasses
import uuid
from collections.abc import Collection, Sequence

from app.core import audit, pagination
from app.core.context import Ctx
from app.core.pagination import Page
from app.modules.customers.domain.consent import ConsentPurpose, ConsentSource, has_consent
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.domain.duplicates import Likeness, likeness
from app.modules.customers.errors import SamePersonException
from app.modules.customers.queries import browse, consents, customers, duplicates, locks
from app.modules.customers.services import consent_service, customer_service, erasure_service

POINT = "UPDATE customers SET merged_into_id = $3 WHERE merchant_id = $1 AND (id = $2 OR merged_into_id = $2)"
# Statements stay statements: they are told again of the person who stays, and go with the row that is emptied.
TELL_AGAIN = """
INSERT INTO customer_consents (merchant_id, id, customer_id, purpose, action, source, text_version, locale, at)
SELECT merchant_id, gen_random_uuid(), $3, purpose, action, source, text_version, locale, at
FROM customer_consents WHERE merchant_id = $1 AND customer_id = $2
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Twins:
    """Two people who may be one: the one registered first, the other, and why."""

    older: CustomerRecord
    newer: CustomerRecord
    likeness: Likeness


async def list_twins(ctx: Ctx, *, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE) -> Page[Twins]:
    """Return a page of pairs, by who was registered last. It may be short although others follow. BadCursor."""

    async def sift(customer_ids: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        return {newer_id for newer_id, _ in await duplicates.list_twins(ctx, customer_ids)}

    page = await browse.list_customers(ctx, order=browse.CustomerOrder.NEWEST, cursor=cursor, limit=limit, sift=sift)
    pairs = await duplicates.list_twins(ctx, [person.id for person in page.items])
    people = await customers.list_customers_by_ids(ctx, list({customer_id for pair in pairs for customer_id in pair}))
    found = [(people[older_id], people[newer_id]) for newer_id, older_id in pairs]
    twins = [Twins(older, newer, reason) for older, newer in found if (reason := likeness(older, newer)) is not None]
    return Page(twins, page.next_cursor, page.previous_cursor)


async def lock_both(ctx: Ctx, kept_id: uuid.UUID, gone_id: uuid.UUID) -> tuple[CustomerRecord, CustomerRecord]:
    """Lock two people by id and return them, the one to keep first.

    Raises SamePersonException, CustomerNotFoundException, and CustomerAnonymizedException for one who is erased or merged already.
    """
    if kept_id == gone_id:
        raise SamePersonException
    locked = {customer_id: await locks.lock_customer(ctx, customer_id) for customer_id in sorted((kept_id, gone_id))}
    return locked[kept_id], locked[gone_id]


async def merge_people(ctx: Ctx, kept: CustomerRecord, gone: CustomerRecord, *, text_version: str) -> None:
    """Make `gone` the same person as `kept`, both locked by `lock_both`. Cards are the caller's.

    What is not known of `kept` (phone, birthday) is taken over, the rest of them stays. Of both wishes about marketing mail the
    stricter counts: it is wanted only if both wanted it. `gone` is emptied and leads to `kept`; their sign-ins end.
    """
    history = await consents.list_consents(ctx, kept.id), await consents.list_consents(ctx, gone.id)
    wants_marketing = all(has_consent(records, ConsentPurpose.MARKETING) for records in history)
    await ctx.conn.execute(TELL_AGAIN, ctx.merchant_id, gone.id, kept.id)
    await erasure_service.empty_row(ctx, gone.id)
    await ctx.conn.execute(POINT, ctx.merchant_id, gone.id, kept.id)
    if not wants_marketing:
        await consent_service.record_consents(
            ctx, kept.id, text_version=text_version, source=ConsentSource.MERCHANT, locale=kept.locale, marketing=False
        )
    missing = {name: getattr(gone, name) for name in ("phone", "birth_date") if not getattr(kept, name) and getattr(gone, name)}
    if missing:
        await customer_service.update_customer(ctx, kept.id, **missing)
    await audit.record(ctx, "customers.customer.merged", "customer", kept.id, merged_id=str(gone.id), fields=sorted(missing))
