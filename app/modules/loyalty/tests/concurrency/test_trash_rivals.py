"""The trash under rivals: one live card per person whoever is faster, and no row of the ledger after the card went (case 15)."""

import asyncio
import uuid

import asyncpg
import httpx
import pytest

from app.core.db.engine import Database
from app.core.errors import Conflict
from app.modules.loyalty.errors import CardRestoreConflictException, LoyaltyCardAlreadyExistsException
from app.modules.loyalty.services import card_service, trash_service
from app.modules.loyalty.tests.counter import make_card as make_counter_card
from app.modules.loyalty.tests.counter import make_shop as make_counter_shop
from app.modules.loyalty.tests.counter import post
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, an_applicant, make_card, make_program, make_shop
from app.modules.tenancy.tests.factories import merchant_ctx

pytestmark = pytest.mark.concurrency
ROUNDS = 20
LIVE = "SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1 AND customer_id = $2 AND deleted_at IS NULL AND status <> 'merged'"


async def restore(database: Database, shop: MadeShop, card: MadeCard) -> str:
    try:
        async with merchant_ctx(database, shop.merchant) as ctx:
            await trash_service.restore_card(ctx, card.id)
    except CardRestoreConflictException as refusal:
        return refusal.error_code
    return "restored"


async def enroll(database: Database, shop: MadeShop, card: MadeCard, store: int) -> str:
    place = shop.merchant.stores[store]
    try:
        async with merchant_ctx(database, shop.merchant, store=place) as ctx:
            await card_service.enroll_customer(ctx, store_id=place.id, applicant=an_applicant(email=card.email))
    except LoyaltyCardAlreadyExistsException as refusal:
        return refusal.error_code
    return "enrolled"


async def test_whoever_is_faster_there_is_one_live_card(database: Database, superuser: asyncpg.Connection) -> None:
    """Enrollments at three stores against two restores of the old card, twenty times over."""
    shop = await make_shop(database, stores=3)
    for _ in range(ROUNDS):
        card = await make_card(database, shop.merchant)
        async with merchant_ctx(database, shop.merchant) as ctx:
            await trash_service.trash_card(ctx, card.id, reason="Lost")
        rivals = [
            restore(database, shop, card),
            *(enroll(database, shop, card, store) for store in range(3)),
            restore(database, shop, card),
        ]
        outcomes = await asyncio.gather(*rivals)
        assert await superuser.fetchval(LIVE, shop.merchant.id, card.customer_id) == 1, outcomes
        if "enrolled" in outcomes:
            assert sorted(outcomes) == sorted(["enrolled", *["card_already_exists"] * 2, *["card_restore_conflict"] * 2])
        else:
            assert sorted(outcomes) == sorted(["restored"] * 2 + ["card_already_exists"] * 3)


async def test_two_programs_are_never_live_at_once(database: Database, superuser: asyncpg.Connection) -> None:
    """Restores of two programs in the trash, at once: one comes back, the other names it."""
    shop = await make_shop(database)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.trash_program(ctx, shop.program.id, reason="Old")
    second = await make_program(database, shop.merchant, name="Neues Programm")
    async with merchant_ctx(database, shop.merchant) as ctx:
        await trash_service.trash_program(ctx, second.id, reason="Old as well")
    programs = (shop.program.id, second.id)

    async def bring_back(program_id: uuid.UUID) -> str:
        try:
            async with merchant_ctx(database, shop.merchant) as ctx:
                await trash_service.restore_program(ctx, program_id)
        except Conflict as refusal:
            return refusal.error_code
        return "restored"

    live = "SELECT count(*) FROM loyalty_programs WHERE merchant_id = $1 AND deleted_at IS NULL"
    for _ in range(ROUNDS):
        outcomes = await asyncio.gather(*(bring_back(program_id) for program_id in programs))
        assert sorted(outcomes) == ["program_restore_conflict", "restored"]
        assert await superuser.fetchval(live, shop.merchant.id) == 1
        async with merchant_ctx(database, shop.merchant) as ctx:
            for program_id in programs:
                await trash_service.trash_program(ctx, program_id, reason="Again")


async def test_nothing_is_booked_on_a_card_once_it_is_in_the_trash(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    """Ten stamps while the card goes: those that were acknowledged are in the ledger, the others say that there is no such card."""
    shop = await make_counter_shop(database)
    for _ in range(ROUNDS):
        card = await make_counter_card(database, shop)

        async def put_away(card_id: uuid.UUID = card.id) -> None:
            async with merchant_ctx(database, shop.merchant) as ctx:
                await trash_service.trash_card(ctx, card_id, reason="Lost")

        stamps = [post(client, shop, "/stamp", {"card_id": str(card.id)}) for _ in range(10)]
        answers = [answer for answer in await asyncio.gather(*stamps[:5], put_away(), *stamps[5:]) if answer is not None]
        assert {answer.status_code for answer in answers} <= {200, 404}
        acknowledged = sum(answer.status_code == 200 for answer in answers)
        row = await superuser.fetchrow("SELECT stamp_count, deleted_at FROM loyalty_cards WHERE id = $1", card.id)
        rows = await superuser.fetchval("SELECT count(*) FROM loyalty_transactions WHERE card_id = $1 AND type = 'stamp_earned'", card.id)
        assert row is not None
        assert (row["stamp_count"], rows) == (acknowledged, acknowledged)
        assert row["deleted_at"] is not None
