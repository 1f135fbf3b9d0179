"""What the platform finds over all merchants: cards with their holders, people. Changes go through the merchant's services."""

import dataclasses
import uuid
from collections.abc import Sequence

from app.core.context import PlatformCtx
from app.core.pagination import Page
from app.modules.customers import public as customers
from app.modules.customers.public import CustomerRecord
from app.modules.loyalty.domain import card_number
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.queries import platform
from app.modules.loyalty.queries.platform import PlatformCard
from app.modules.tenancy import public as tenancy

MOST_PEOPLE = 50
"""People whose cards one search shows; whoever is not among them is found by more letters."""


@dataclasses.dataclass(frozen=True, slots=True)
class HeldCard:
    """A card of any merchant with its holder (None for an erased person)."""

    found: PlatformCard
    customer: CustomerRecord | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CardsWanted:
    """Which cards: those that `text` names, of a merchant, in a state, in the trash or not. None or "": no matter."""

    text: str = ""
    merchant_id: uuid.UUID | None = None
    status: CardStatus | None = None
    only_deleted: bool = False


def needs_merchant(text: str, merchant_id: uuid.UUID | None) -> bool:
    """Whether `text` is something that is looked for within one merchant only, a name or phone number, and none is given."""
    return bool(text) and merchant_id is None and "@" not in text and card_number.parse_scan(text) is None


async def list_cards(
    ctx: PlatformCtx, wanted: CardsWanted, *, sort: str = "-created", cursor: str | None = None, limit: int = 25
) -> Page[HeldCard]:
    """Return a page of cards with their holders; what a text finds is one page.

    `text` is a card number, a QR content, the beginning of an e-mail address, or within a merchant a name or phone number
    (`needs_merchant`). BadCursor.
    """
    if wanted.text:
        found = await _search(ctx, wanted)
        page = Page([card for card in found if _is_wanted(card, wanted)])
    else:
        page = await platform.list_cards(
            ctx,
            merchant_id=wanted.merchant_id,
            status=wanted.status,
            only_deleted=wanted.only_deleted,
            sort=sort,
            cursor=cursor,
            limit=limit,
        )
    return Page(await with_holders(ctx, page.items), page.next_cursor, page.previous_cursor)


def _is_wanted(found: PlatformCard, wanted: CardsWanted) -> bool:
    return wanted.merchant_id in (None, found.merchant_id) and wanted.status in (None, found.card.status)


async def _search(ctx: PlatformCtx, wanted: CardsWanted) -> list[PlatformCard]:
    scan = card_number.parse_scan(wanted.text)
    if scan is not None:
        return await platform.find_cards_by_scan(ctx, scan, only_deleted=wanted.only_deleted)
    people = await search_people(ctx, wanted.text, merchant_id=wanted.merchant_id)
    pairs = [(merchant_id, person.id) for merchant_id, person in people]
    return await platform.list_cards_of_people(ctx, pairs, only_deleted=wanted.only_deleted)


async def search_people(ctx: PlatformCtx, text: str, *, merchant_id: uuid.UUID | None) -> list[tuple[uuid.UUID, CustomerRecord]]:
    """Return up to MOST_PEOPLE people with their merchants: by the beginning of an e-mail address, or within a merchant as its staff would.

    Nobody where `needs_merchant`. Raises tenancy's MerchantNotFoundException.
    """
    if merchant_id is not None:
        inside = await tenancy.open_for_admin(ctx, merchant_id)
        return [(merchant_id, person) for person in await customers.search_customers(inside, text, limit=MOST_PEOPLE)]
    if needs_merchant(text, merchant_id):
        return []
    merchant_ids = await tenancy.list_merchant_ids(ctx)
    return await customers.find_by_email_everywhere(ctx, text, merchant_ids=merchant_ids, limit=MOST_PEOPLE)


async def find_people(ctx: PlatformCtx, text: str, *, merchant_id: uuid.UUID | None) -> list[tuple[uuid.UUID, CustomerRecord]]:
    """Return whom `text` names, with their merchants: like `search_people`, and the holder of a card by its number or QR content."""
    scan = card_number.parse_scan(text)
    if scan is None:
        return await search_people(ctx, text, merchant_id=merchant_id)
    held = await with_holders(ctx, await platform.find_cards_by_scan(ctx, scan))
    return [
        (item.found.merchant_id, item.customer)
        for item in held
        if item.customer is not None and merchant_id in (None, item.found.merchant_id)
    ]


async def list_people(
    ctx: PlatformCtx,
    text: str,
    *,
    merchant_id: uuid.UUID | None = None,
    sort: customers.CustomerOrder = customers.CustomerOrder.NEWEST,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[tuple[uuid.UUID, CustomerRecord]]:
    """Return a page of people with their merchants: whom `text` names (one page), or all of a merchant's; nobody without either.

    Raises tenancy's MerchantNotFoundException, BadCursor.
    """
    if text:
        return Page(await find_people(ctx, text, merchant_id=merchant_id))
    if merchant_id is None:
        return Page([])
    inside = await tenancy.open_for_admin(ctx, merchant_id)
    page = await customers.list_customers(inside, order=sort, cursor=cursor, limit=limit)
    return Page([(merchant_id, customer) for customer in page.items], page.next_cursor, page.previous_cursor)


async def with_holders(ctx: PlatformCtx, found: Sequence[PlatformCard]) -> list[HeldCard]:
    """Return `found` with their holders, read in one statement."""
    people = {(item.merchant_id, item.card.customer_id) for item in found if item.card.customer_id is not None}
    known = await customers.list_customers_everywhere(ctx, [(merchant, customer) for merchant, customer in people if customer is not None])
    return [HeldCard(item, known.get(item.card.customer_id) if item.card.customer_id else None) for item in found]


async def get_card(ctx: PlatformCtx, card_id: uuid.UUID) -> HeldCard:
    """Return a card of any merchant, live or in the trash; CardNotFoundException."""
    (held,) = await with_holders(ctx, [await platform.get_card(ctx, card_id)])
    return held
