"""Imports and whoever else is at it: workers that die, two imports of one file, people who enroll meanwhile (promises 3 and 10)."""

import asyncio
import contextlib
from typing import Any

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.testing.background import run_due
from app.modules.customers import public as customers
from app.modules.loyalty.domain.enums import ImportStatus
from app.modules.loyalty.errors import LoyaltyCardAlreadyExistsException
from app.modules.loyalty.services import card_service, import_service, ledger
from app.modules.loyalty.services.card_service import Applicant
from app.modules.loyalty.tests.factories import MadeShop, make_settings, make_shop
from app.modules.loyalty.tests.import_files import check, people_of, read
from app.modules.loyalty.tests.sweeps import assert_ledger_is_whole
from app.modules.tenancy.tests.factories import merchant_ctx

LINES = 23
FILE = "email,name,points,stamps\n" + "".join(f"p{number:02d}@example.lu,Person {number},{number + 1},1\n" for number in range(LINES))


async def enroll_quietly(database: Database, shop: MadeShop, number: int) -> None:
    """Somebody of the file enrolls themself, or finds that they hold a card."""
    person = Applicant(
        first_name="Their", last_name="Self", email=f"p{number:02d}@example.lu", locale="fr", source=customers.ConsentSource.STOREFRONT
    )
    with contextlib.suppress(LoyaltyCardAlreadyExistsException):
        async with merchant_ctx(database, shop.merchant) as ctx:
            await card_service.enroll_customer(ctx, store_id=shop.merchant.stores[0].id, applicant=person)


async def test_whoever_goes_on_after_a_crash_books_every_line_once(
    database: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.modules.loyalty.services.import_reader.CHUNK", 5)
    shop = await make_shop(database)
    job = await check(database, shop, FILE)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await import_service.start_run(ctx, job.id)
    book, chunks = ledger.write, 0

    async def dying(*arguments: Any) -> None:
        nonlocal chunks
        chunks += 1
        await book(*arguments)
        if chunks == 3:
            raise RuntimeError("the third chunk is undone")

    monkeypatch.setattr(ledger, "write", dying)
    await run_due(database, merchant_id=shop.merchant.id)
    halfway = await read(database, shop, job.id)
    assert (halfway.status, halfway.counts["new_cards"], len(await people_of(superuser, shop))) == (ImportStatus.RUNNING, 10, 10)
    await superuser.execute("UPDATE core_outbox SET available_at = now() WHERE merchant_id = $1 AND done_at IS NULL", shop.merchant.id)
    await run_due(database, merchant_id=shop.merchant.id)
    done = await read(database, shop, job.id)
    assert (done.status, done.counts["new_cards"], done.counts["points"]) == (ImportStatus.DONE, LINES, sum(range(LINES + 1)))
    assert [row["points_balance"] for row in await people_of(superuser, shop)] == [number + 1 for number in range(LINES)]
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_two_imports_of_one_file_and_people_who_enroll_meanwhile(
    database: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.modules.loyalty.services.import_reader.CHUNK", 4)
    shop = await make_shop(database)
    jobs = [await check(database, shop, FILE) for _ in range(2)]
    for job in jobs:
        async with merchant_ctx(database, shop.merchant) as ctx:
            await import_service.start_run(ctx, job.id)

    for _ in range(3):
        await asyncio.gather(
            run_due(database, merchant_id=shop.merchant.id),
            run_due(database, merchant_id=shop.merchant.id),
            *(enroll_quietly(database, shop, number) for number in range(0, LINES, 5)),
        )
        await superuser.execute("UPDATE core_outbox SET available_at = now() WHERE merchant_id = $1 AND done_at IS NULL", shop.merchant.id)
    assert [(await read(database, shop, job.id)).status for job in jobs] == [ImportStatus.DONE] * 2
    rows = await people_of(superuser, shop)
    assert [(row["email"], row["points_balance"], row["stamp_count"]) for row in rows] == [
        (f"p{number:02d}@example.lu", number + 1, 1) for number in range(LINES)
    ]
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_a_switch_of_where_cards_work_makes_the_import_begin_its_turn_anew(
    database: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.modules.loyalty.services.import_reader.CHUNK", 5)
    shop = await make_shop(database, stores=2)
    job = await check(database, shop, FILE)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await import_service.start_run(ctx, job.id)
    real = import_service.read_setting
    switched = False

    async def read_and_switch(*arguments: Any) -> Any:
        nonlocal switched
        found = await real(*arguments)
        if not switched:
            switched = True
            await make_settings(database, shop.merchant, cross_location=False)
        return found

    monkeypatch.setattr(import_service, "read_setting", read_and_switch)
    await run_due(database, merchant_id=shop.merchant.id)
    assert len(await people_of(superuser, shop)) == 0
    await superuser.execute("UPDATE core_outbox SET available_at = now() WHERE merchant_id = $1 AND done_at IS NULL", shop.merchant.id)
    await run_due(database, merchant_id=shop.merchant.id)
    assert (await read(database, shop, job.id)).status is ImportStatus.DONE
    keys = await superuser.fetch("SELECT op_key FROM loyalty_transactions WHERE merchant_id = $1", shop.merchant.id)
    assert len(keys) == LINES
    assert all(row["op_key"].endswith(str(shop.merchant.stores[0].id)) for row in keys)
