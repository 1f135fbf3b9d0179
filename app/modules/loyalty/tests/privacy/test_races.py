"""Who works with a person while they are erased brings nothing of them back (domain.md, Privacy)."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core import bulk, clock, files
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.testing.background import run_due
from app.modules.customers import public as customers
from app.modules.loyalty.domain.bulk import Selection
from app.modules.loyalty.domain.enums import ImportStatus
from app.modules.loyalty.errors import LoyaltyCardAlreadyExistsException
from app.modules.loyalty.services import bulk_service, card_service, import_service, ledger, privacy_service
from app.modules.loyalty.tests.counter import Shop, applicant, counter_ctx, enroll, make_card, make_shop, post
from app.modules.loyalty.tests.factories import MadeShop
from app.modules.loyalty.tests.import_files import bring_in, check, counted, notes_of, read
from app.modules.loyalty.tests.privacy.person import FIRST_NAME, LAST_NAME, make_person
from app.modules.loyalty.tests.privacy.traces import find_traces
from app.modules.messaging.tests.factories import MailServer, chosen_mail_server
from app.modules.tenancy.tests.factories import merchant_ctx

WorkerOnce = Callable[..., Awaitable[list[Any]]]


@pytest_asyncio.fixture(loop_scope="session")
async def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    """A mail server that the settings name."""
    async with chosen_mail_server(settings, monkeypatch) as running:
        yield running


async def erase(database: Database, shop: Shop, customer_id: uuid.UUID) -> privacy_service.Receipt:
    """Erase somebody in a unit of work of its own."""
    async with merchant_ctx(database, shop.merchant) as ctx:
        return await privacy_service.erase_customer(ctx, customer_id)


@pytest.mark.parametrize("answer", ["250 2.0.0 Ok: queued", "451 4.3.0 Try later", "550 5.1.1 No such user"])
async def test_a_mail_that_is_being_sent_logs_nothing_of_somebody_erased_meanwhile(
    database: Database,
    superuser: asyncpg.Connection,
    client: httpx.AsyncClient,
    worker_once: WorkerOnce,
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    person = await make_person(database, superuser, client)
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def hesitate(*_: Any) -> str:
        arrived.set()
        await may_answer.wait()
        return answer

    monkeypatch.setattr(server, "handle_DATA", hesitate, raising=False)
    sending = asyncio.ensure_future(worker_once(merchant_id=person.shop.id))
    await asyncio.wait_for(arrived.wait(), 10)
    receipt = await asyncio.wait_for(erase(database, person.shop, person.customer_id), 5)  # waits for no mail server
    assert receipt.counts["profile"] == 1
    may_answer.set()
    await asyncio.wait_for(sending, 20)
    assert await find_traces(superuser, person.shop.id, person.words) == {}
    await worker_once(merchant_id=person.shop.id, now=clock.now() + dt.timedelta(hours=8))
    assert await find_traces(superuser, person.shop.id, person.words) == {}


async def test_the_sweep_takes_what_others_left_after_the_erasure(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, worker_once: WorkerOnce
) -> None:
    person = await make_person(database, superuser, client)
    receipt = await erase(database, person.shop, person.customer_id)
    async with merchant_ctx(database, person.shop.merchant) as ctx:  # what a slow transaction might have committed only now
        await customers.issue_login_link(ctx, person.customer_id)
        await ctx.conn.execute("UPDATE email_logs SET recipient = $2 WHERE customer_id = $1", person.customer_id, person.email)
        await ctx.conn.execute(
            "INSERT INTO core_idempotency (merchant_id, key, fingerprint, status, body, created_at) VALUES ($1, $2, '', 200, $3, $4)",
            person.shop.id, uuid.uuid4().hex, f'{{"card_id": "{person.card_ids[0]}", "holder": "Zweifelstëin"}}', receipt.at,
        )  # fmt: skip
    assert await find_traces(superuser, person.shop.id, person.words) != {}
    await worker_once(merchant_id=person.shop.id, now=clock.now() + privacy_service.SWEEP_AFTER)
    assert await find_traces(superuser, person.shop.id, person.words) == {}
    links = await superuser.fetchval("SELECT count(*) FROM customer_login_links WHERE customer_id = $1", person.customer_id)
    assert links == 0


async def test_enrolling_while_being_erased_ends_with_one_new_customer_and_no_trace_of_the_old(
    database: Database, superuser: asyncpg.Connection
) -> None:
    for _ in range(8):
        shop = await make_shop(database)
        person = applicant()
        card = await make_card(database, shop, person=person)
        assert card.customer_id is not None

        async def come_back(shop: Shop = shop, person: card_service.Applicant = person) -> str:
            async with counter_ctx(database, shop) as ctx:
                try:
                    await enroll(ctx, shop.merchant.store.id, person)
                except LoyaltyCardAlreadyExistsException:
                    return "exists"
            return "enrolled"

        outcome, _receipt = await asyncio.gather(come_back(), erase(database, shop, card.customer_id))
        live = await superuser.fetch("SELECT id FROM customers WHERE merchant_id = $1 AND email IS NOT NULL", shop.id)
        assert len(live) == (1 if outcome == "enrolled" else 0)
        assert card.customer_id not in {row["id"] for row in live}
        held = await superuser.fetch("SELECT id, customer_id FROM loyalty_cards WHERE merchant_id = $1", shop.id)
        assert {row["customer_id"] for row in held if row["id"] == card.id} == {None}


async def test_stamping_while_being_erased_is_booked_before_or_refused(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    shop = await make_shop(database, stamp_cooldown_minutes=0, max_stamps_per_day=50)
    card = await make_card(database, shop)
    assert card.customer_id is not None
    erasing = asyncio.create_task(erase(database, shop, card.customer_id))
    answers = await asyncio.gather(*(post(client, shop, "/stamp", {"card_id": str(card.id)}) for _ in range(6)))
    receipt = await erasing
    booked = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} <= {200, 409, 410}
    row = await superuser.fetchrow("SELECT stamp_count, customer_id, status FROM loyalty_cards WHERE id = $1", card.id)
    assert row is not None
    assert (row["stamp_count"], row["customer_id"], row["status"]) == (booked, None, "deactivated")
    assert receipt.kept_transactions == await superuser.fetchval("SELECT count(*) FROM loyalty_transactions WHERE card_id = $1", card.id)
    left = await superuser.fetch("SELECT body FROM core_idempotency WHERE merchant_id = $1 AND status < 400", shop.id)
    assert [item["body"] for item in left if str(card.id) in item["body"]] == []


async def test_two_erasures_at_once_are_one(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await make_shop(database)
    card = await make_card(database, shop)
    assert card.customer_id is not None
    outcomes = await asyncio.gather(*(erase(database, shop, card.customer_id) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, privacy_service.Receipt) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, customers.CustomerAnonymizedException) for outcome in outcomes) == 3
    entries = await superuser.fetchval(
        "SELECT count(*) FROM core_audit_log WHERE merchant_id = $1 AND action = 'loyalty.customer.erased'", shop.id
    )
    assert entries == 1


async def test_a_bulk_that_waits_finds_nobody_any_more(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    shop = person.shop
    neighbour = await make_card(database, shop)
    async with merchant_ctx(database, shop.merchant) as ctx:
        wanted = Selection([*person.card_ids, neighbour.id])
        job_id = await bulk_service.start_bonus(ctx, wanted, points=7, reason="Merci")
    balances = "SELECT sum(points_balance) FROM loyalty_cards WHERE id = ANY($1::uuid[])"
    before = await superuser.fetchval(balances, person.card_ids)
    await erase(database, shop, person.customer_id)
    await run_due(database, merchant_id=shop.id)
    async with merchant_ctx(database, shop.merchant) as ctx:
        items = await bulk.list_items_after(ctx, job_id, 0, limit=10)
        assert [(item.key, item.outcome) for item in items] == [
            *((str(card_id), "not_found") for card_id in person.card_ids), (str(neighbour.id), "ok"),
        ]  # fmt: skip
        assert (await bulk.read(ctx, job_id)).counts == {"not_found": 2, "ok": 1, "points": 7}
    assert await superuser.fetchval(balances, person.card_ids) == before
    assert await superuser.fetchval(balances, [neighbour.id]) == neighbour.state.points_balance + 7


async def test_an_import_under_way_loses_its_file_and_ends_where_it_is(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has more than one part: what is missing at the end is no end. Brought in again, all others are there once."""
    monkeypatch.setattr("app.modules.loyalty.services.import_reader.CHUNK", 500)
    person = await make_person(database, superuser, client)
    shop = MadeShop(person.shop.merchant, person.shop.program)
    others = "".join(f"p{number:04}@example.lu,Person {number},{number + 1},{'x' * 400}\n" for number in range(1_200))
    content = f"email,name,points,remark\n{others}{person.email},{FIRST_NAME} {LAST_NAME},9,\n"
    assert len(content) > files.PART_BYTES
    job = await check(database, shop, content)
    async with merchant_ctx(database, shop.merchant) as ctx:
        await import_service.start_run(ctx, job.id)
    book, chunks = ledger.write, 0

    async def book_and_be_interrupted(*arguments: Any) -> None:
        nonlocal chunks
        chunks += 1
        await book(*arguments)
        if chunks == 1:
            await erase(database, person.shop, person.customer_id)

    monkeypatch.setattr(ledger, "write", book_and_be_interrupted)
    await run_due(database, merchant_id=shop.merchant.id)
    ended = await read(database, shop, job.id)
    assert (ended.status, ended.error, ended.counts["new_cards"]) == (ImportStatus.FAILED, "import_file_gone", 500)
    assert await find_traces(superuser, person.shop.id, person.words) == {}
    again = await bring_in(database, shop, content)
    assert (again.status, counted(again, "new_cards", "already", "faulty")) == (
        ImportStatus.DONE, {"new_cards": 700, "already": 500, "faulty": 1},
    )  # fmt: skip
    assert await notes_of(database, shop, again) == [(1_202, "email", "was_erased")]
    assert await find_traces(superuser, person.shop.id, person.words) == {}
