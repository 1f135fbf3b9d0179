"""Merging people's cards (A12): nothing is lost, nobody is merged twice, counters go on meanwhile."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.modules.loyalty.domain.enums import MergeRunStatus
from app.modules.loyalty.errors import CardMergedException, CardsPerStoreException, MergeRunningException, NothingToMergeException
from app.modules.loyalty.queries import merges, transactions
from app.modules.loyalty.services import card_service, merge_service, program_service, verification_service
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card, make_settings, make_shop, stamp
from app.modules.tenancy.tests.factories import merchant_ctx

Worker = Callable[..., Awaitable[list[Any]]]
SUMS = """
SELECT sum(stamp_count)::int AS stamps, sum(points_balance - points_owed)::int AS points, sum(visit_count)::int AS visits,
       sum(total_stamps_earned)::int AS stamps_earned, sum(total_points_earned)::int AS points_earned, count(*)::int AS cards
FROM loyalty_cards WHERE merchant_id = $1
"""
MERGE_ROWS = """
SELECT type, card_id, stamps_delta, points_delta, op_key, user_id FROM loyalty_transactions
WHERE merchant_id = $1 AND type IN ('merge_in', 'merge_out') ORDER BY created_at, id
"""


async def one(superuser: asyncpg.Connection, statement: str, *arguments: Any) -> asyncpg.Record:
    (row,) = await superuser.fetch(statement, *arguments)
    return row


async def make_people(database: Database, *, people: int = 1, stores: int = 3, **program: Any) -> tuple[MadeShop, list[list[MadeCard]]]:
    """A merchant with a card per store; each person holds one at every store, with stamps and points; then one card for all."""
    shop = await make_shop(database, stores=stores, cross_location=False, **program)
    held = []
    for number in range(people):
        email = f"person{number}-{uuid.uuid4().hex[:12]}@example.lu"
        held.append(
            [
                await make_card(database, shop.merchant, store=store, email=email, stamps=index + 1, amount_cents=1000 * (index + 1))
                for index, store in enumerate(shop.merchant.stores)
            ]
        )
    async with merchant_ctx(database, shop.merchant) as ctx:
        await program_service.set_cross_location(ctx, is_on=True)
    return shop, held


async def test_everybody_is_merged_into_the_oldest_card_and_the_sums_stay(
    database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop, held = await make_people(database, people=3)
    before = dict(await one(superuser, SUMS, shop.merchant.id))
    assert before == {"stamps": 18, "points": 180, "visits": 18, "stamps_earned": 18, "points_earned": 180, "cards": 9}
    async with merchant_ctx(database, shop.merchant) as ctx:
        assert await merges.count_several(ctx) == merges.SeveralCards(3, 9)
        run = await merge_service.start_merge_of_all(ctx)
    assert (run.status, run.customers_total, run.customers_merged) == (MergeRunStatus.RUNNING, 3, 0)
    await worker_once(merchant_id=shop.merchant.id)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merges.get_run(ctx, run.id)
        assert await merges.count_several(ctx) == merges.SeveralCards(0, 0)
    assert (run.status, run.customers_merged, run.customers_skipped, run.cards_merged) == (MergeRunStatus.DONE, 3, 0, 6)
    assert (run.stamps_before, run.stamps_after, run.points_before, run.points_after, run.points_expired) == (18, 18, 180, 180, 0)
    assert dict(await one(superuser, SUMS, shop.merchant.id)) == before
    for oldest, *others in held:
        row = await one(superuser, "SELECT status, stamp_count, points_balance FROM loyalty_cards WHERE id = $1", oldest.id)
        assert tuple(row) == ("active", 6, 60)
        for card in others:
            row = await one(
                superuser, "SELECT status, stamp_count, points_balance, merged_into_id FROM loyalty_cards WHERE id = $1", card.id
            )
            assert tuple(row) == ("merged", 0, 0, oldest.id)
    assert (await verification_service.verify_ledger(database, shop.merchant.id)).broken == []


async def test_each_row_has_its_own_key_and_names_who_wanted_it(
    database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop, [[oldest, second, third]] = await make_people(database)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.start_merge_of_all(ctx)
    await worker_once(merchant_id=shop.merchant.id)
    rows = await superuser.fetch(MERGE_ROWS, shop.merchant.id)
    assert {(row["type"], row["card_id"], row["stamps_delta"], row["points_delta"], row["op_key"]) for row in rows} == {
        ("merge_out", second.id, -2, -20, f"merge:{run.id}:{second.id}:out"),
        ("merge_out", third.id, -3, -30, f"merge:{run.id}:{third.id}:out"),
        ("merge_in", oldest.id, 2, 20, f"merge:{run.id}:{second.id}:in"),
        ("merge_in", oldest.id, 3, 30, f"merge:{run.id}:{third.id}:in"),
    }
    assert {row["user_id"] for row in rows} == {shop.merchant.owner.id}
    actions = await superuser.fetch(
        "SELECT action, actor_id FROM core_audit_log WHERE merchant_id = $1 AND action LIKE 'loyalty.%merge%' ORDER BY at, id",
        shop.merchant.id,
    )
    assert [row["action"] for row in actions] == ["loyalty.merge.started", "loyalty.cards.merged", "loyalty.merge.done"]
    assert actions[0]["actor_id"] == shop.merchant.owner.id


async def test_the_oldest_card_shows_the_history_of_all(database: Database, worker_once: Worker) -> None:
    shop, [[oldest, _, third]] = await make_people(database)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await merge_service.merge_customer(ctx, oldest.customer_id)
        rows = (await transactions.list_history(ctx, oldest.id, limit=50)).items
        own = (await transactions.list_history(ctx, third.id, limit=50)).items
    assert sorted(row.type.value for row in rows) == ["merge_in"] * 2 + ["points_earned"] * 3 + ["stamp_earned"] * 3
    assert [row.type.value for row in rows[:2]] == ["merge_in", "merge_in"]
    assert sum(row.is_of_merged_card for row in rows) == 4
    assert {row.type.value for row in own} == {"merge_out", "points_earned", "stamp_earned"}


async def test_a_stamp_on_a_merged_card_is_refused_and_the_target_takes_it(database: Database) -> None:
    shop, [[oldest, second, _]] = await make_people(database)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.merge_customer(ctx, oldest.customer_id)
    assert (run.status, run.customers_merged, run.cards_merged, run.stamps_before, run.stamps_after) == (MergeRunStatus.DONE, 1, 2, 6, 6)
    with pytest.raises(CardMergedException):
        await stamp(database, shop.merchant, second)
    posted = await stamp(database, shop.merchant, oldest)
    assert posted.decision is not None
    assert posted.decision.card.stamp_count == 7


async def test_the_number_and_code_of_a_merged_card_lead_to_the_one_that_stays(database: Database) -> None:
    shop, [[oldest, second, _]] = await make_people(database)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await merge_service.merge_customer(ctx, oldest.customer_id)
        for text in (second.number, second.qr_token):
            [found] = await card_service.search_card_for_store(ctx, text=text, store_id=shop.merchant.store.id)
            assert (found.card.id, found.card.state.stamp_count) == (oldest.id, 6)


async def test_a_card_merged_twice_over_leads_to_the_last_target_at_once(database: Database, superuser: asyncpg.Connection) -> None:
    shop, [[oldest, second, third]] = await make_people(database)
    # The oldest was away (in the trash) while the others were merged, and came back.
    await superuser.execute("UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1", oldest.id)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await merge_service.merge_customer(ctx, oldest.customer_id)
    await superuser.execute("UPDATE loyalty_cards SET deleted_at = NULL WHERE id = $1", oldest.id)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.merge_customer(ctx, oldest.customer_id)
    assert (run.cards_merged, run.stamps_after) == (1, 6)
    rows = await superuser.fetch("SELECT merged_into_id FROM loyalty_cards WHERE id = ANY($1)", [second.id, third.id])
    assert [row["merged_into_id"] for row in rows] == [oldest.id, oldest.id]
    assert (await verification_service.verify_ledger(database, shop.merchant.id)).broken == []


async def test_points_that_are_due_expire_first_and_are_named(database: Database) -> None:
    shop, [[oldest, _, _]] = await make_people(database, points_expiration_days=30)
    later = clock.now() + dt.timedelta(days=40)
    async with merchant_ctx(database, shop.merchant, now=later) as ctx:
        run = await merge_service.merge_customer(ctx, oldest.customer_id)
    assert (run.points_before, run.points_after, run.points_expired) == (60, 0, 60)
    assert (run.stamps_before, run.stamps_after) == (6, 6)
    assert (await verification_service.verify_ledger(database, shop.merchant.id)).broken == []


async def test_merging_needs_one_card_for_all_stores_and_somebody_with_several(database: Database) -> None:
    shop = await make_shop(database, stores=2)
    card = await make_card(database, shop.merchant)
    for wish in (merge_service.start_merge_of_all, lambda ctx: merge_service.merge_customer(ctx, card.customer_id)):
        with pytest.raises(NothingToMergeException):
            async with merchant_ctx(database, shop.merchant) as ctx:
                await wish(ctx)
    await make_settings(database, shop.merchant, cross_location=False)
    with pytest.raises(CardsPerStoreException):
        async with merchant_ctx(database, shop.merchant) as ctx:
            await merge_service.start_merge_of_all(ctx)


async def test_one_run_at_a_time_and_switching_back_stops_it(
    database: Database, superuser: asyncpg.Connection, worker_once: Worker
) -> None:
    shop, _ = await make_people(database)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.start_merge_of_all(ctx)
    with pytest.raises(MergeRunningException):
        async with merchant_ctx(database, shop.merchant) as ctx:
            await merge_service.start_merge_of_all(ctx)
    await make_settings(database, shop.merchant, cross_location=False)
    await worker_once(merchant_id=shop.merchant.id)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merges.get_run(ctx, run.id)
    assert (run.status, run.cards_merged) == (MergeRunStatus.STOPPED, 0)
    assert await superuser.fetch(MERGE_ROWS, shop.merchant.id) == []


async def test_a_run_goes_on_from_chunk_to_chunk_each_card_once(
    database: Database, superuser: asyncpg.Connection, worker_once: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_service, "CHUNK", 2)
    shop, _ = await make_people(database, people=5, stores=2)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.start_merge_of_all(ctx)
        ctx.enqueue(merge_service.TASK, run_id=run.id)  # a message delivered twice
    await worker_once(merchant_id=shop.merchant.id)
    statement = "SELECT done_at FROM core_outbox WHERE merchant_id = $1 AND task = $2"
    tasks = await superuser.fetch(statement, shop.merchant.id, merge_service.TASK)
    assert [row["done_at"] is None for row in tasks] == [False] * 4
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merges.get_run(ctx, run.id)
    assert (run.status, run.customers_merged, run.cards_merged, run.stamps_before, run.stamps_after) == (MergeRunStatus.DONE, 5, 5, 15, 15)
    assert len(await superuser.fetch(MERGE_ROWS, shop.merchant.id)) == 10


async def test_a_deactivated_card_stays_as_it_is(database: Database, superuser: asyncpg.Connection) -> None:
    shop, [[oldest, second, _]] = await make_people(database)
    await superuser.execute("UPDATE loyalty_cards SET status = 'deactivated' WHERE id = $1", second.id)
    async with merchant_ctx(database, shop.merchant) as ctx:
        run = await merge_service.merge_customer(ctx, oldest.customer_id)
    assert run.cards_merged == 1
    rows = await superuser.fetch(
        "SELECT status, stamp_count FROM loyalty_cards WHERE id = ANY($1) ORDER BY stamp_count", [second.id, oldest.id]
    )
    assert [tuple(row) for row in rows] == [("deactivated", 2), ("active", 4)]


async def test_stamps_that_rival_a_merge_are_booked_or_refused_and_none_is_lost(database: Database, superuser: asyncpg.Connection) -> None:
    shop, held = await make_people(database, people=4, stores=2)
    cards = [card for person in held for card in person]

    async def try_stamp(card: MadeCard) -> int:
        try:
            await stamp(database, shop.merchant, card)
        except CardMergedException:
            return 0
        return 1

    async def merge(person: list[MadeCard]) -> int:
        async with merchant_ctx(database, shop.merchant) as ctx:
            return (await merge_service.merge_customer(ctx, person[0].customer_id)).cards_merged

    async def merge_all() -> int:
        return sum([await merge(person) for person in held])

    results = await asyncio.gather(*(try_stamp(card) for card in cards), merge_all(), *(try_stamp(card) for card in cards))
    assert results[len(cards)] == 4
    booked = sum(results) - 4
    sums = await one(superuser, SUMS, shop.merchant.id)
    assert sums["stamps"] == 12 + booked
    assert (await verification_service.verify_ledger(database, shop.merchant.id)).broken == []
