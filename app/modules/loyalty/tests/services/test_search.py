"""Finding a card at a counter by whatever the customer shows or says (requirement A5)."""

import dataclasses
import uuid

import asyncpg
import pytest

from app.core.db.engine import Database
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.services import card_service
from app.modules.loyalty.tests.counter import Counter, Shop, applicant, counter_ctx, make_card, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx


@dataclasses.dataclass(frozen=True, slots=True)
class Someone:
    """A card and what its holder shows or says at a counter."""

    card: Card
    texts: dict[str, str]


async def make_someone(database: Database, shop: Shop, *, counter: Counter | None = None) -> Someone:
    """Enroll somebody who can be found in every way."""
    tag = uuid.uuid4().hex[:8]
    digits = f"{uuid.uuid4().int % 100:02d}0{uuid.uuid4().int % 900 + 100}"  # the last four begin with a zero, like those of every tenth
    person = applicant(f"Zoé.{tag}@example.lu".replace("é", "e"), first_name="Zoé", last_name=f"Müller-{tag}", phone=f"+352 621 {digits}")
    card = await make_card(database, shop, person=person, counter=counter)
    texts = {
        "number": card.card_number,
        "number_as_printed": format_number(card.card_number),
        "qr": card.qr_token,
        "qr_in_small_letters": card.qr_token.lower(),
        "address_of_the_card": f"https://loyalty.example.lu/c/{card.qr_token}",
        "email": person.email,
        "email_in_capitals": f" {person.email.upper()} ",
        "start_of_the_email": f"zoe.{tag}@",
        "phone": f"+352 621 {digits}",
        "phone_without_country": f"621{digits}",
        "end_of_the_phone": digits[-4:],
        "last_name": f"muller-{tag}",
        "both_names": f"Zoé Müller-{tag}",
        "names_turned": f"MÜLLER-{tag} zoe",
    }
    return Someone(card, texts)


WAYS = (
    "number", "number_as_printed", "qr", "qr_in_small_letters", "address_of_the_card", "email", "email_in_capitals", "start_of_the_email",
    "phone", "phone_without_country", "end_of_the_phone", "last_name", "both_names", "names_turned",
)  # fmt: skip


async def find(database: Database, shop: Shop, counter: Counter, text: str) -> list[uuid.UUID]:
    """Return the cards that `text` finds at a counter."""
    async with counter_ctx(database, shop, counter) as ctx:
        return [found.card.id for found in await card_service.search_card_for_store(ctx, text=text, store_id=counter.store.id)]


@pytest.mark.parametrize("way", WAYS)
async def test_every_kind_of_text_finds_the_card_where_it_may_be_found(database: Database, way: str) -> None:
    """A1 on: also at the other store. Off: only at its own. Another merchant never."""
    everywhere, apart = await make_shop(database, stores=2), await make_shop(database, stores=2, is_cross_location=False)
    someone, other = await make_someone(database, everywhere), await make_someone(database, apart)
    for counter in everywhere.counters:
        assert await find(database, everywhere, counter, someone.texts[way]) == [someone.card.id]
    assert await find(database, apart, apart.counters[0], other.texts[way]) == [other.card.id]
    assert await find(database, apart, apart.counters[1], other.texts[way]) == []
    assert await find(database, apart, apart.counters[0], someone.texts[way]) == []


async def test_with_a_card_per_store_each_store_finds_its_own(database: Database) -> None:
    shop = await make_shop(database, stores=2, is_cross_location=False)
    person = applicant()
    cards = [await make_card(database, shop, person=person, counter=counter) for counter in shop.counters]
    for counter, card in zip(shop.counters, cards, strict=True):
        assert await find(database, shop, counter, person.email) == [card.id]
    async with merchant_ctx(database, shop.merchant) as ctx:
        found = await card_service.search_card_for_store(ctx, text=person.email, store_id=None)
    assert [item.card.id for item in found] == [card.id for card in cards]


@pytest.mark.parametrize("text", ["", " ", "%", "_", "'", "@", "zz", "123", "000000000000", "\U0010ffff", "x" * 200, "OL1", "://["])
async def test_a_text_that_names_nobody_finds_nobody(database: Database, text: str) -> None:
    shop = await make_shop(database)
    await make_card(database, shop)
    assert await find(database, shop, shop.counter, text) == []


async def test_a_number_with_a_slip_finds_nothing_and_a_trashed_or_erased_card_either(
    database: Database, superuser: asyncpg.Connection
) -> None:
    shop = await make_shop(database)
    someone = await make_someone(database, shop)
    slip = someone.card.card_number[:-1] + str((int(someone.card.card_number[-1]) + 1) % 10)
    assert await find(database, shop, shop.counter, slip) == []
    await superuser.execute("UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1", someone.card.id)
    for way in ("number", "qr", "email", "last_name"):
        assert await find(database, shop, shop.counter, someone.texts[way]) == []


async def test_at_most_twenty_are_found(database: Database) -> None:
    shop = await make_shop(database)
    tag = f"Schmit-{uuid.uuid4().hex[:8]}"
    made = [await make_card(database, shop, person=applicant(last_name=tag)) for _ in range(22)]
    found = await find(database, shop, shop.counter, tag)
    assert len(found) == len(set(found)) == 20
    assert set(found) <= {card.id for card in made}


async def test_people_of_other_stores_do_not_crowd_out_the_own_ones(database: Database) -> None:
    """With a card per store, a frequent name at the other store must not hide the one customer of this store."""
    shop = await make_shop(database, stores=2, is_cross_location=False)
    tag = f"Weber-{uuid.uuid4().hex[:8]}"
    for _ in range(25):
        await make_card(database, shop, person=applicant(first_name="Anna", last_name=tag))
    own = await make_card(database, shop, person=applicant(first_name="Zoé", last_name=tag), counter=shop.counters[1])
    assert await find(database, shop, shop.counters[1], tag) == [own.id]
