"""Importing from another system (G8): people, cards, balances, consents, once for ever, whatever is run again."""

import datetime as dt
import tracemalloc

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.testing.background import run_due
from app.modules.customers import public as customers
from app.modules.loyalty.domain.enums import ImportStatus, ProgramType
from app.modules.loyalty.domain.import_problems import (
    ImportBusyException,
    ImportFileException,
    ImportFileGoneException,
    ImportMappingException,
    ImportNotCheckedException,
)
from app.modules.loyalty.services import card_service, import_service
from app.modules.loyalty.tests.factories import make_card, make_settings, make_shop
from app.modules.loyalty.tests.import_files import bring_in, check, counted, guessed, notes_of, people_of, read, upload
from app.modules.loyalty.tests.sweeps import assert_ledger_is_whole
from app.modules.tenancy import public as tenancy
from app.modules.tenancy.tests.factories import merchant_ctx

FILE = """email;first_name;last_name;phone;birth_date;language;points;stamps;card_number;marketing;marketing_at;last_visit_at
anna@example.lu;Anna;Weber;+352 621 123 456;24.12.1990;fr;1.250;3;OLD-0001;oui;02/01/2025;2026-01-05T10:00:00+01:00
 JOS@example.lu ;Jos;Klein;;;;0;0;;non;;
bad address;Nobody;There;;;;5;;;;;
lea@example.lu;Léa;;not a phone;31.02.1990;pt;7;;;;;
anna@EXAMPLE.lu;Anna;Again;;;;9;;;;;
"""


async def test_a_check_counts_and_names_what_is_wrong_and_changes_nothing(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    job = await check(database, shop, FILE)
    assert job.status is ImportStatus.CHECKED
    assert counted(job) == {
        "read": 5, "fine": 3, "faulty": 2, "left_out": 2, "new_people": 3, "new_cards": 3, "points": 1257, "stamps": 3, "notes": 4,
    }  # fmt: skip
    assert await notes_of(database, shop, job) == [
        (4, "email", "email_invalid"), (5, "birth_date", "birth_date_invalid"), (5, "phone", "phone_invalid"),
        (6, "email", "email_repeated"),
    ]  # fmt: skip
    assert await people_of(superuser, shop) == []


async def test_an_import_makes_people_cards_and_balances(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    job = await bring_in(database, shop, FILE)
    assert (job.status, job.file_id) == (ImportStatus.DONE, None)
    assert counted(job, "fine", "faulty", "new_people", "new_cards", "points", "stamps") == {
        "fine": 3, "faulty": 2, "new_people": 3, "new_cards": 3, "points": 1257, "stamps": 3,
    }  # fmt: skip
    anna, jos, lea = await people_of(superuser, shop)
    assert (anna["phone"], anna["birth_date"], anna["locale"]) == ("+352 621 123 456", dt.date(1990, 12, 24), "fr")
    assert (anna["points_balance"], anna["stamp_count"], anna["external_number"]) == (1250, 3, "OLD0001")
    assert anna["last_activity_at"] == dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    assert (jos["email"], jos["points_balance"], jos["external_number"]) == ("JOS@example.lu", 0, None)
    assert (lea["first_name"], lea["last_name"], lea["phone"], lea["birth_date"], lea["points_balance"]) == ("Léa", "", None, None, 7)
    rows = await superuser.fetch(
        "SELECT type, points_delta, stamps_delta, op_key, user_id FROM loyalty_transactions WHERE merchant_id = $1 ORDER BY points_delta",
        shop.merchant.id,
    )
    assert [(row["type"], row["points_delta"], row["stamps_delta"]) for row in rows] == [
        ("balance_imported", 7, 0),
        ("balance_imported", 1250, 3),
    ]
    assert all(row["op_key"].startswith("import:import:") and row["user_id"] == shop.merchant.owner.id for row in rows)
    async with merchant_ctx(database, shop.merchant) as ctx:
        ids = await customers.find_ids_by_addresses(ctx, ["anna@example.lu", "jos@example.lu"])
        [consent] = await customers.list_consents(ctx, ids["anna@example.lu"])
        assert await customers.list_consents(ctx, ids["jos@example.lu"]) == []
    assert (consent.purpose, consent.source, consent.at) == ("marketing", "import", dt.datetime(2025, 1, 2, 11, tzinfo=dt.UTC))
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_nothing_of_the_file_is_left_and_nobody_is_written_to(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    await bring_in(database, shop, FILE)
    assert await superuser.fetchval("SELECT count(*) FROM core_file_parts WHERE merchant_id = $1", shop.merchant.id) == 0
    tasks = await superuser.fetch("SELECT DISTINCT task FROM core_outbox WHERE merchant_id = $1 ORDER BY task", shop.merchant.id)
    assert [row["task"] for row in tasks] == ["loyalty.check_import", "loyalty.run_import"]


async def test_whoever_wishes_tells_the_new_people(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    await bring_in(database, shop, FILE, tells_people=True)
    told = "SELECT count(*) FROM core_outbox WHERE merchant_id = $1 AND task = 'loyalty.confirm_enrollment'"
    assert await superuser.fetchval(told, shop.merchant.id) == 3


async def test_the_same_file_again_and_a_corrected_one_add_only_what_is_new(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    await bring_in(database, shop, FILE)
    before = await people_of(superuser, shop)
    again = await bring_in(database, shop, FILE)
    assert counted(again, "new_people", "known_people", "new_cards", "already", "points", "stamps") == {
        "new_people": 0, "known_people": 3, "new_cards": 0, "already": 2, "points": 0, "stamps": 0,
    }  # fmt: skip
    assert await people_of(superuser, shop) == before
    corrected = FILE.replace("bad address", "bob@example.lu").replace("1.250", "9.999")
    third = await bring_in(database, shop, corrected)
    assert counted(third, "new_people", "already", "points") == {"new_people": 1, "already": 2, "points": 5}
    assert [row["points_balance"] for row in await people_of(superuser, shop)] == [1250, 5, 0, 7]
    other = await bring_in(database, shop, FILE, source="second-till")
    assert counted(other, "already", "points") == {"already": 0, "points": 1257}
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_of_known_people_only_what_is_empty_is_filled(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant, stamps=2)
    header = "email,first_name,last_name,phone,birth_date,points,card_number"
    content = f"{header}\n{card.email.upper()},Other,Name,+352621999888,1980-05-06,40,X-777\n"
    [before] = await people_of(superuser, shop)
    job = await bring_in(database, shop, content)
    assert counted(job, "known_people", "new_cards", "points") == {"known_people": 1, "new_cards": 0, "points": 40}
    [row] = await people_of(superuser, shop)
    assert (row["first_name"], row["last_name"], row["email"]) == (before["first_name"], before["last_name"], before["email"])
    assert row["birth_date"] == (before["birth_date"] or dt.date(1980, 5, 6))
    assert (row["card_id"], row["points_balance"], row["stamp_count"], row["external_number"]) == (card.id, 40, 2, "X777")
    assert row["last_activity_at"] == before["last_activity_at"]
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_with_a_card_per_store_a_person_may_come_once_per_store(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database, stores=2)
    first, second = shop.merchant.stores
    await make_settings(database, shop.merchant, cross_location=False)
    content = (
        f"email,name,points,store\na@example.lu,Anna Weber,1,{first.code}\na@example.lu,Anna Weber,2,{second.name}\n"
        f"a@example.lu,Anna Weber,4,{first.code}\nb@example.lu,Bob,8,nowhere\n"
    )
    job = await bring_in(database, shop, content)
    assert counted(job, "new_people", "new_cards", "points", "faulty") == {"new_people": 1, "new_cards": 2, "points": 3, "faulty": 2}
    assert await notes_of(database, shop, job) == [(4, "email", "email_repeated"), (5, "store", "store_unknown")]
    rows = await people_of(superuser, shop)
    assert {(row["enrolled_at_store_id"], row["points_balance"]) for row in rows} == {(first.id, 1), (second.id, 2)}
    assert counted(await bring_in(database, shop, content), "already", "points") == {"already": 2, "points": 0}
    await make_settings(database, shop.merchant, cross_location=True)
    assert counted(await bring_in(database, shop, content), "already", "points") == {"already": 1, "points": 0}


async def test_card_numbers_open_one_card_each(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop.merchant)
    content = f"email,name,card_number\na@example.lu,Anna,{card.number}\nb@example.lu,Bob,K1234\nc@example.lu,Cid,k-1234\n"
    job = await bring_in(database, shop, content)
    assert await notes_of(database, shop, job) == [(2, "card_number", "card_number_taken"), (4, "card_number", "card_number_repeated")]
    assert [row["external_number"] for row in await people_of(superuser, shop) if row["email"] != card.email] == ["K1234"]


async def test_who_was_erased_is_not_brought_back(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await customers.remember_erased(ctx, "anna@example.lu", today=ctx.now.date())
    job = await bring_in(database, shop, FILE)
    assert (2, "email", "was_erased") in await notes_of(database, shop, job)
    assert [row["email"] for row in await people_of(superuser, shop)] == ["JOS@example.lu", "lea@example.lu"]


async def test_points_that_are_old_are_told_before_they_expire(database: Database) -> None:
    shop = await make_shop(database, points_expiration_days=365)
    old = "email,name,points,last_visit\na@example.lu,Anna,10,2019-05-01\nb@example.lu,Bob,20,\n"
    assert counted(await check(database, shop, old), "due_people", "due_points") == {"due_people": 1, "due_points": 10}


async def test_a_program_without_stamps_takes_none(database: Database) -> None:
    shop = await make_shop(database, type=ProgramType.POINTS)
    job = await check(database, shop, "email,name,stamps\na@example.lu,Anna,3\nb@example.lu,Bob,0\n")
    assert await notes_of(database, shop, job) == [(2, "stamps", "no_stamps")]


async def test_what_was_chosen_has_to_fit(database: Database) -> None:
    shop, other = await make_shop(database), await make_shop(database)
    job = await upload(database, shop, FILE)
    choices = await guessed(database, shop, job)
    without = await guessed(database, shop, job, columns={})
    stranger = await guessed(database, shop, job, store_id=other.merchant.stores[0].id)
    async with merchant_ctx(database, shop.merchant) as ctx:
        with pytest.raises(ImportMappingException):
            await import_service.start_check(ctx, job.id, without)
        with pytest.raises(tenancy.StoreNotFoundException):
            await import_service.start_check(ctx, job.id, stranger)
        with pytest.raises(ImportNotCheckedException):
            await import_service.start_run(ctx, job.id)
        await import_service.start_check(ctx, job.id, choices)
        for busy in (import_service.start_check(ctx, job.id, choices), import_service.start_run(ctx, job.id)):
            with pytest.raises(ImportBusyException):
                await busy
        with pytest.raises(ImportBusyException):
            await import_service.discard(ctx, job.id)


@pytest.mark.parametrize("content", ["email,name\n", "PK\x03\x04", "", "email;name\n\n\n"])
async def test_what_holds_no_line_is_refused(database: Database, content: str) -> None:
    shop = await make_shop(database)
    with pytest.raises(ImportFileException):
        await upload(database, shop, content)


async def test_a_file_that_is_gone_ends_the_check(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    job = await upload(database, shop, FILE)
    choices = await guessed(database, shop, job)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await import_service.start_check(ctx, job.id, choices)
    await superuser.execute("DELETE FROM core_files WHERE merchant_id = $1", shop.merchant.id)
    await run_due(database, merchant_id=shop.merchant.id)
    found = await read(database, shop, job.id)
    assert (found.status, found.error) == (ImportStatus.FAILED, "import_file_gone")
    async with merchant_ctx(database, shop.merchant) as ctx:
        with pytest.raises(ImportFileGoneException):
            await import_service.start_check(ctx, job.id, choices)


async def test_an_old_number_opens_the_card_at_the_counter(database: Database) -> None:
    shop = await make_shop(database)
    await bring_in(database, shop, "email,name,card_number\na@example.lu,Anna Weber,AZ 12-34\n")
    async with merchant_ctx(database, shop.merchant) as ctx:
        for text in ("az1234", " AZ-12 34"):
            [found] = await card_service.search_card_for_store(ctx, text=text, store_id=shop.merchant.stores[0].id)
            assert found.customer is not None
            assert found.customer.email == "a@example.lu"
        assert await card_service.search_card_for_store(ctx, text="AZ1235", store_id=None) == []


@pytest.mark.slow
async def test_of_a_line_only_two_numbers_are_kept_in_memory(database: Database) -> None:
    """Those that find addresses that come twice (import_reader.py); a row itself takes more than a thousand bytes."""
    shop = await make_shop(database)

    async def peak_of(lines: int) -> int:
        """The most memory that looking through a file of so many people took, in bytes."""
        rows = (f"guest{number}@example.lu,Anna,Weber {number},{number % 90},1990-12-24,fr\n" for number in range(lines))
        job = await upload(database, shop, "email,first_name,last_name,points,birth_date,language\n" + "".join(rows))
        choices = await guessed(database, shop, job)
        async with merchant_ctx(database, shop.merchant) as ctx:
            await import_service.start_check(ctx, job.id, choices)
        tracemalloc.start()
        try:
            await run_due(database, merchant_id=shop.merchant.id)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert counted(await read(database, shop, job.id))["fine"] == lines

    few = await peak_of(6_000)  # more than one part of the file
    assert await peak_of(12_000) - few < 6_000 * 400
