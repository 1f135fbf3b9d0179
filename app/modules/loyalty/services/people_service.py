"""The merchant's people with what they hold: listed, found, read, corrected (requirements I1).

Whoever is bound to one store sees, while cards belong to stores (A1 off), those who hold a card enrolled there, and of them these
cards only. Everybody else is as unknown to them as a stranger's id.
"""

import dataclasses
import datetime as dt
import enum
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.core.context import Ctx
from app.core.pagination import Page
from app.modules.customers import public as customers
from app.modules.loyalty.domain import card_number
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.queries import programs, transactions, visits
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.queries.transactions import HistoryRow
from app.modules.loyalty.services import store_scope
from app.modules.tenancy import public as tenancy

MAX_FOUND = 50
MAX_CANDIDATES = 500
"""People who match at any store, among whom those that the filters let through are looked for."""


class PeopleSort(enum.StrEnum):
    """How the list of people is sorted: by registration, by name, or by the latest visit."""

    NEWEST = "-created"
    OLDEST = "created"
    NAME = "name"
    NAME_BACK = "-name"
    LAST_VISIT = "-visit"


@dataclasses.dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What a list of people is confined to: a store where they hold a card, and whether they want marketing mail. None: no matter."""

    store_id: uuid.UUID | None = None
    wants_marketing: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody with the cards that the caller may see, oldest first, and whether they want marketing mail."""

    customer: customers.CustomerRecord
    cards: Sequence[Card]
    wants_marketing: bool

    @property
    def last_visit_at(self) -> dt.datetime | None:
        """When they were last here; None for somebody who has enrolled and not come back yet."""
        return max((card.state.last_activity_at for card in self.cards if card.state.visit_count), default=None)

    @property
    def visit_count(self) -> int:
        """How often they were here."""
        return sum(card.state.visit_count for card in self.cards)


async def list_people(
    ctx: Ctx, wanted: PeopleFilter, *, sort: PeopleSort = PeopleSort.NEWEST, cursor: str | None = None, limit: int = 25
) -> Page[Person]:
    """Return a page of the merchant's people. With a filter it may be short although others follow.

    StoreNotFoundException for a store that the caller may not see, BadCursor for a cursor of another order.
    """
    place = await store_scope.choose_card_store(ctx, wanted.store_id)
    sift = _sift(ctx, place, wanted.wants_marketing)
    if sort is PeopleSort.LAST_VISIT:
        ids = await visits.list_by_last_visit(ctx, cursor=cursor, limit=limit, sift=sift)
        people = await customers.get_many(ctx, ids.items)
        page = Page([people[customer_id] for customer_id in ids.items], ids.next_cursor, ids.previous_cursor)
    else:
        page = await customers.list_customers(ctx, order=customers.CustomerOrder(sort.value), cursor=cursor, limit=limit, sift=sift)
    return Page(await _with_cards(ctx, page.items), page.next_cursor, page.previous_cursor)


async def search_people(ctx: Ctx, text: str, wanted: PeopleFilter) -> list[Person]:
    """Return at most fifty people whom `text` names (e-mail, phone, name, or one of their cards), the best match first.

    StoreNotFoundException as `list_people`.
    """
    place = await store_scope.choose_card_store(ctx, wanted.store_id)
    scan = card_number.parse_scan(text)
    if scan is None:
        found = await customers.search_customers(ctx, text, limit=MAX_CANDIDATES)
    else:
        card = await card_queries.find_by_scan(ctx, scan)
        found = list((await customers.get_many(ctx, [card.customer_id])).values()) if card and card.customer_id else []
    sift = _sift(ctx, place, wanted.wants_marketing)
    if sift is not None:
        passing = await sift([person.id for person in found])
        found = [person for person in found if person.id in passing]
    return await _with_cards(ctx, found[:MAX_FOUND])


def _sift(ctx: Ctx, store_id: uuid.UUID | None, wants_marketing: bool | None) -> customers.Sift | None:
    if store_id is None and wants_marketing is None:
        return None

    async def sift(customer_ids: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        passing: Collection[uuid.UUID] = customer_ids
        if store_id is not None:
            passing = await card_queries.filter_holders_at(ctx, customer_ids, store_id)
        if wants_marketing is None:
            return frozenset(passing)
        willing = await customers.filter_marketing_consent(ctx, list(passing))
        return willing if wants_marketing else frozenset(passing) - willing

    return sift


async def get_person(ctx: Ctx, customer_id: uuid.UUID) -> Person:
    """Return somebody whom the caller may see, erased people included; CustomerNotFoundException."""
    customer = await customers.get_customer(ctx, customer_id)
    place = await store_scope.choose_card_store(ctx, None)
    (person,) = await _with_cards(ctx, [customer], store_id=place)
    if place is not None and not person.cards:
        raise customers.CustomerNotFoundException
    return person


async def list_history(ctx: Ctx, customer_id: uuid.UUID, *, cursor: str | None = None, limit: int = 25) -> Page[HistoryRow]:
    """Return what was booked on all cards of somebody whom the caller may see, the latest first; CustomerNotFoundException."""
    await get_person(ctx, customer_id)
    place = await store_scope.choose_card_store(ctx, None)
    ids = await card_queries.list_ids_of_customer(ctx, customer_id, store_id=place)
    return await transactions.list_history_of_cards(ctx, ids, cursor=cursor, limit=limit)


async def update_person(ctx: Ctx, customer_id: uuid.UUID, changes: Mapping[str, Any]) -> Person:
    """Correct somebody's data at their wish; what is not named stays.

    Raises CustomerNotFoundException, CustomerAnonymizedException, CustomerEmailTakenException, CustomerInvalidException.
    """
    await get_person(ctx, customer_id)
    today = ctx.now.astimezone(await tenancy.merchant_zone(ctx)).date()
    await customers.update_customer(ctx, customer_id, today=today, **changes)
    return await get_person(ctx, customer_id)


async def withdraw_marketing(ctx: Ctx, customer_id: uuid.UUID) -> Person:
    """Note that somebody told the merchant that they want no more marketing mail. Only they themselves can give that consent.

    Doing it twice adds nothing. Raises CustomerNotFoundException, CustomerAnonymizedException.
    """
    await get_person(ctx, customer_id)
    customer = await customers.lock_customer(ctx, customer_id)
    live = await programs.find_program(ctx)
    await customers.record_consents(
        ctx,
        customer_id,
        text_version=str(live.terms_version if live else 0),
        source=customers.ConsentSource.MERCHANT,
        locale=customer.locale,
        marketing=False,
    )
    return await get_person(ctx, customer_id)


async def _with_cards(ctx: Ctx, found: Sequence[customers.CustomerRecord], *, store_id: uuid.UUID | None = None) -> list[Person]:
    """Return people with their cards; two statements for all of them."""
    ids = [customer.id for customer in found]
    place = store_id or await store_scope.choose_card_store(ctx, None)
    held: dict[uuid.UUID, list[Card]] = {customer_id: [] for customer_id in ids}
    for card in await card_queries.list_of_customers(ctx, ids, store_id=place):
        if card.customer_id is not None:
            held[card.customer_id].append(card)
    willing = await customers.filter_marketing_consent(ctx, ids)
    return [Person(customer, held[customer.id], customer.id in willing) for customer in found]


@dataclasses.dataclass(frozen=True, slots=True)
class TwinPeople:
    """Two people who may be one, with what they hold, and why."""

    older: Person
    newer: Person
    likeness: customers.Likeness


async def list_twins(ctx: Ctx, *, cursor: str | None = None, limit: int = 25) -> Page[TwinPeople]:
    """Return a page of pairs of people who may be one, by who was registered last. It may be short although others follow. BadCursor."""
    page = await customers.list_twins(ctx, cursor=cursor, limit=limit)
    unique = {person.id: person for pair in page.items for person in (pair.older, pair.newer)}
    held = {person.customer.id: person for person in await _with_cards(ctx, list(unique.values()))}
    pairs = [TwinPeople(held[pair.older.id], held[pair.newer.id], pair.likeness) for pair in page.items]
    return Page(pairs, page.next_cursor, page.previous_cursor)
