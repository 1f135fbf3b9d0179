"""Rivals around who holds which card: enrolling while the setting is switched, merging while counters work (reliability.md, promise 3).

Each race runs 20 times in the full form, and ends the same each time.
"""

import asyncio
import collections
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.ids import new_id
from app.core.testing import extent
from app.modules.loyalty.errors import LoyaltyCardAlreadyExistsException, MergeRunningException, NothingToMergeException
from app.modules.loyalty.services import merge_service, program_service, verification_service
from app.modules.loyalty.tests.counter import Shop, applicant, make_card, make_shop, post
from app.modules.tenancy.tests.factories import merchant_ctx

pytestmark = pytest.mark.concurrency
Worker = Callable[..., Awaitable[list[Any]]]
ROUNDS = extent.times(short=4, full=20)
LIVE_CARDS = """
SELECT enrolled_at_store_id AS store, count(*) AS cards FROM loyalty_cards
WHERE merchant_id = $1 AND deleted_at IS NULL AND status <> 'merged' GROUP BY enrolled_at_store_id
"""


async def switch(database: Database, shop: Shop, *, is_on: bool) -> None:
    """Switch whether a card works everywhere."""
    async with merchant_ctx(database, shop.merchant) as ctx:
        await program_service.set_cross_location(ctx, is_on=is_on)


async def try_to_enroll(database: Database, shop: Shop, email: str, store: int) -> bool:
    """Enroll somebody at a store; False when they hold a card that serves it."""
    try:
        await make_card(database, shop, person=applicant(email), counter=shop.counters[store])
    except LoyaltyCardAlreadyExistsException:
        return False
    return True


async def assert_sound(database: Database, shop: Shop) -> None:
    """No card's history is broken."""
    assert (await verification_service.verify_ledger(database, shop.id)).broken == []


@pytest.mark.parametrize("is_on_at_first", [True, False])
async def test_enrolling_everywhere_while_the_setting_is_switched(
    database: Database, superuser: asyncpg.Connection, is_on_at_first: bool
) -> None:
    """Never two cards at one store, never two people; from the moment it is on, nobody gets a second card."""
    for number in range(ROUNDS):
        shop = await make_shop(database, stores=5, is_cross_location=is_on_at_first, welcome_bonus_points=10)
        email = f"race.{uuid.uuid4().hex[:12]}@example.lu"
        work: list[Coroutine[Any, Any, Any]] = [try_to_enroll(database, shop, email, store % 5) for store in range(20)]
        work.insert(4 + number % 8, switch(database, shop, is_on=not is_on_at_first))
        done = await asyncio.gather(*work)
        enrolled = sum(each is True for each in done)
        per_store = await superuser.fetch(LIVE_CARDS, shop.id)
        assert {row["cards"] for row in per_store} == {1}
        assert len(per_store) == enrolled <= 5
        assert await superuser.fetchval("SELECT count(*) FROM customers WHERE merchant_id = $1", shop.id) == 1
        assert await superuser.fetchval("SELECT sum(points_delta) FROM loyalty_transactions WHERE merchant_id = $1", shop.id) == 10
        if not is_on_at_first:
            again = await asyncio.gather(*(try_to_enroll(database, shop, email, store) for store in range(5)))
            assert again == [False] * 5, "with one card for all stores, any card is enough"
        await assert_sound(database, shop)


async def test_switching_back_and_forth_deadlocks_nobody(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stores=3)
    emails = [f"race.{uuid.uuid4().hex[:12]}@example.lu" for _ in range(4)]
    work: list[Coroutine[Any, Any, Any]] = []
    for round_number in range(ROUNDS * 2):
        work.append(switch(database, shop, is_on=round_number % 2 == 0))
        work += [try_to_enroll(database, shop, email, (round_number + index) % 3) for index, email in enumerate(emails)]
    await asyncio.gather(*work)
    pairs = await superuser.fetch(
        "SELECT customer_id, enrolled_at_store_id, count(*) AS n FROM loyalty_cards WHERE merchant_id = $1 GROUP BY 1, 2", shop.id
    )
    assert {row["n"] for row in pairs} == {1}
    assert await superuser.fetchval("SELECT count(*) FROM customers WHERE merchant_id = $1", shop.id) == 4
    await assert_sound(database, shop)


async def make_holder(database: Database, shop: Shop) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """Make somebody with a card at each store; return the person and the cards, the oldest first."""
    person = applicant()
    cards = [await make_card(database, shop, person=person, counter=counter) for counter in shop.counters]
    assert cards[0].customer_id is not None
    return cards[0].customer_id, [card.id for card in cards]


async def test_stamps_while_the_cards_are_merged_are_all_on_the_oldest_one(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """A stamp is booked before the merge, and moves; or after it, on the card that stays; or is refused, and changes nothing."""
    for _ in range(ROUNDS):
        shop = await make_shop(database, stores=3, is_cross_location=False)
        customer_id, cards = await make_holder(database, shop)
        await switch(database, shop, is_on=True)
        answers: list[httpx.Response] = []

        async def stamp(card_id: uuid.UUID, shop: Shop = shop, answers: list[httpx.Response] = answers) -> None:
            answers.append(await post(client, shop, "/stamp", {"card_id": str(card_id)}))

        async def merge(shop: Shop = shop, customer_id: uuid.UUID = customer_id) -> None:
            async with merchant_ctx(database, shop.merchant) as ctx:
                await merge_service.merge_customer(ctx, customer_id)

        await asyncio.gather(
            *(stamp(cards[number % 3]) for number in range(9)), merge(), *(stamp(cards[number % 3]) for number in range(9))
        )
        results = collections.Counter((answer.status_code, answer.json().get("code")) for answer in answers)
        assert set(results) <= {(200, None), (409, "card_merged")}
        rows = await superuser.fetch("SELECT id, status, stamp_count FROM loyalty_cards WHERE merchant_id = $1", shop.id)
        found = {row["id"]: (row["status"], row["stamp_count"]) for row in rows}
        assert found == {cards[0]: ("active", results[(200, None)]), cards[1]: ("merged", 0), cards[2]: ("merged", 0)}
        await assert_sound(database, shop)


async def test_two_merges_of_one_person_are_one(database: Database, superuser: asyncpg.Connection) -> None:
    for _ in range(ROUNDS):
        shop = await make_shop(database, stores=3, is_cross_location=False)
        customer_id, cards = await make_holder(database, shop)
        await switch(database, shop, is_on=True)

        async def merge(shop: Shop = shop, customer_id: uuid.UUID = customer_id) -> bool:
            try:
                async with merchant_ctx(database, shop.merchant) as ctx:
                    await merge_service.merge_customer(ctx, customer_id)
            except (MergeRunningException, NothingToMergeException):
                return False
            return True

        assert sorted(await asyncio.gather(*(merge() for _ in range(5)))) == [False] * 4 + [True]
        merged = await superuser.fetch("SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND merged_into_id = $2", shop.id, cards[0])
        assert {row["id"] for row in merged} == set(cards[1:])
        await assert_sound(database, shop)


async def test_enrolling_and_stamping_while_everybody_is_merged(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop = await make_shop(database, stores=2, is_cross_location=False, points_per_euro=1)
    holders = [await make_holder(database, shop) for _ in range(6)]
    await switch(database, shop, is_on=True)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.start_merge_of_all(ctx)

    async def earn(card_id: uuid.UUID) -> int:
        body = {"card_id": str(card_id), "amount_cents": 1_000}
        return (await post(client, shop, "/points/earn", body, key=str(new_id()))).status_code

    earned = [earn(card_id) for _, cards in holders for card_id in cards]
    newcomers = [make_card(database, shop) for _ in range(4)]
    *statuses, _ = await asyncio.gather(*earned, worker_once(merchant_id=shop.id))
    made = await asyncio.gather(*newcomers)
    assert set(statuses) <= {200, 409}
    total = await superuser.fetchval("SELECT sum(points_balance)::int FROM loyalty_cards WHERE merchant_id = $1", shop.id)
    assert total == 10 * statuses.count(200)
    state = await superuser.fetchrow("SELECT status, customers_merged, cards_merged FROM loyalty_merge_runs WHERE id = $1", run.id)
    assert state is not None
    assert tuple(state) == ("done", 6, 6)
    several = "SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1 AND status <> 'merged'"
    assert await superuser.fetchval(several, shop.id) == 6 + len(made)
    await assert_sound(database, shop)
