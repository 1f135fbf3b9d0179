"""An erasure leaves no word of the person, and everything else as it was (G3; domain.md, Privacy)."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.loyalty.services import card_service, my_data_service, privacy_service
from app.modules.loyalty.tests.counter import applicant, counter_ctx, make_card, post
from app.modules.loyalty.tests.privacy.person import BIRTH_DATE, FIRST_NAME, LAST_NAME, PHONE, make_neighbour, make_person
from app.modules.loyalty.tests.privacy.traces import find_traces
from app.modules.tenancy.tests.factories import merchant_ctx

WorkerOnce = Callable[..., Awaitable[list[Any]]]
LEDGER = "SELECT * FROM loyalty_transactions WHERE card_id = ANY($1::uuid[]) ORDER BY id"
CARDS = """
SELECT customer_id, notes, status, card_number, qr_token, points_balance, stamp_count FROM loyalty_cards WHERE id = ANY($1::uuid[])
ORDER BY id
"""


async def test_nothing_of_the_person_is_left_and_the_history_stays(
    database: Database,
    superuser: asyncpg.Connection,
    client: httpx.AsyncClient,
    worker_once: WorkerOnce,
    capfd: pytest.CaptureFixture[str],
) -> None:
    person = await make_person(database, superuser, client)
    neighbour = await make_neighbour(database, person.shop)
    assert len(await find_traces(superuser, person.shop.id, person.words)) > 12
    ledger = await superuser.fetch(LEDGER, person.card_ids)
    before = await superuser.fetch(CARDS, person.card_ids)
    others = await superuser.fetch("SELECT t::text FROM customers t WHERE id = $1", neighbour)
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        receipt = await card_service.anonymize_cards_for_customer(ctx, person.customer_id)
    assert await find_traces(superuser, person.shop.id, person.words) == {}
    assert await worker_once(merchant_id=person.shop.id, now=clock.now() + dt.timedelta(hours=1))
    assert await find_traces(superuser, person.shop.id, person.words) == {}
    written = "".join(capfd.readouterr())
    assert [word for word in person.words if word.casefold() in written.casefold()] == []

    assert await superuser.fetch(LEDGER, person.card_ids) == ledger
    after = await superuser.fetch(CARDS, person.card_ids)
    assert [(row["customer_id"], row["notes"], row["status"]) for row in after] == [(None, "", "deactivated")] * 2
    assert [(row["points_balance"], row["stamp_count"]) for row in after] == [(row["points_balance"], row["stamp_count"]) for row in before]
    assert {row["qr_token"] for row in after}.isdisjoint(row["qr_token"] for row in before)
    row = await superuser.fetchrow("SELECT id, email, locale, anonymized_at FROM customers WHERE id = $1", person.customer_id)
    assert row is not None
    assert (row["id"], row["email"], row["locale"]) == (person.customer_id, None, "de")
    assert row["anonymized_at"] is not None
    assert await superuser.fetch("SELECT t::text FROM customers t WHERE id = $1", neighbour) == others
    assert receipt.counts == {
        "profile": 1, "consents": 2, "sign_in_links": 1, "sessions": 2, "mails": 1, "mail_choices": 1, "bounces": 1, "cards": 2,
        "greetings": 1, "files": 1, "lists": 1, "waiting": receipt.counts["waiting"], "answers": 3,
        "audit_entries": receipt.counts["audit_entries"],
    }  # fmt: skip
    assert receipt.counts["waiting"] >= 2
    assert receipt.counts["audit_entries"] >= 2
    assert receipt.kept_transactions == len(ledger) > 0


async def test_who_was_merged_into_the_person_goes_with_them(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    twin = await make_person(database, superuser, client, shop=person.shop)
    words = [*person.words, *twin.words]
    owner = {"Cookie": f"orion_session={person.shop.merchant.owner.token}"}
    path = f"/api/v1/merchants/loyalty/customers/{person.customer_id}/merge/{twin.customer_id}"
    merged = await client.post(path, headers=owner | {"Idempotency-Key": uuid.uuid4().hex})
    assert merged.status_code == 200, merged.text
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        assert await my_data_service.list_downloads(ctx, twin.customer_id) == []
        await ctx.conn.execute(  # an answer from before, by an id that is theirs alone
            "INSERT INTO core_idempotency (merchant_id, key, fingerprint, status, body, created_at) VALUES ($1, $2, '', 200, $3, $4)",
            person.shop.id, uuid.uuid4().hex, f'{{"customer_id": "{twin.customer_id}", "holder": "{LAST_NAME}"}}', ctx.now,
        )  # fmt: skip
    assert await find_traces(superuser, person.shop.id, words) != {}
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        await privacy_service.erase_customer(ctx, person.customer_id)
    assert await find_traces(superuser, person.shop.id, words) == {}
    logged = await superuser.fetch("SELECT customer_id FROM erasure_log WHERE merchant_id = $1", person.shop.id)
    assert {row["customer_id"] for row in logged} == {person.customer_id, twin.customer_id}, "a backup may bring back either"


async def test_the_log_and_the_audit_say_who_did_it_and_nothing_of_whom(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    owner = person.shop.merchant.owner
    answer = await client.post(
        f"/api/v1/merchants/loyalty/customers/{person.customer_id}/erasure",
        json={"is_confirmed": True},
        headers={"Cookie": f"orion_session={owner.token}"},
    )
    assert answer.status_code == 200, answer.text
    assert not [word for word in person.words if word.casefold() in answer.text.casefold()]
    row = await superuser.fetchrow("SELECT * FROM erasure_log WHERE customer_id = $1", person.customer_id)
    assert row is not None
    assert (row["merchant_id"], row["actor_kind"], row["actor_id"]) == (person.shop.id, "owner", owner.id)
    (entry,) = await superuser.fetch(
        "SELECT * FROM core_audit_log WHERE action = 'loyalty.customer.erased' AND target_id = $1", person.customer_id
    )
    assert (entry["actor_id"], entry["actor_kind"], entry["details"]["because"]) == (owner.id, "user", "request")
    assert entry["details"]["counts"]["cards"] == 2


async def test_a_preview_says_what_would_go_and_changes_nothing(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    before = await find_traces(superuser, person.shop.id, person.words)
    waiting = await superuser.fetchval("SELECT count(*) FROM core_outbox WHERE merchant_id = $1", person.shop.id)
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        preview = await privacy_service.preview_erasure(ctx, person.customer_id)
    assert await find_traces(superuser, person.shop.id, person.words) == before
    assert await superuser.fetchval("SELECT count(*) FROM core_outbox WHERE merchant_id = $1", person.shop.id) == waiting
    assert await superuser.fetchval("SELECT count(*) FROM erasure_log WHERE customer_id = $1", person.customer_id) == 0
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        receipt = await privacy_service.erase_customer(ctx, person.customer_id)
    assert (preview.counts, preview.kept_transactions) == (receipt.counts, receipt.kept_transactions)


async def test_nobody_is_erased_twice_and_strangers_are_unknown(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        await privacy_service.erase_customer(ctx, person.customer_id)
    for customer_id, error in (
        (person.customer_id, customers.CustomerAnonymizedException),
        (uuid.uuid4(), customers.CustomerNotFoundException),
    ):
        async with merchant_ctx(database, person.shop.merchant) as ctx:
            with pytest.raises(error):
                await privacy_service.erase_customer(ctx, customer_id)
            with pytest.raises(error):
                await privacy_service.preview_erasure(ctx, customer_id)


async def test_what_the_person_had_opens_nothing_any_more(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    store = f"/api/v1/storefront/{person.shop.merchant.store.code}/loyalty"
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in person.cookies.items())}
    token = await superuser.fetchval("SELECT qr_token FROM loyalty_cards WHERE id = $1", person.card_ids[0])
    assert (await client.get(f"{store}/card", headers=cookie)).status_code == 200
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        link = await customers.issue_login_link(ctx, person.customer_id)
        await privacy_service.erase_customer(ctx, person.customer_id)
    assert (await client.get(f"{store}/card", headers=cookie)).status_code == 401
    assert (await client.post(f"{store}/session", json={"token": link})).status_code == 410
    async with counter_ctx(database, person.shop) as ctx:
        for text in (token, person.email, PHONE, f"{FIRST_NAME} {LAST_NAME}"):
            assert await card_service.search_card_for_store(ctx, text=text, store_id=person.shop.merchant.store.id) == []
    stamped = await post(client, person.shop, "/stamp", {"card_id": str(person.card_ids[0])})
    assert (stamped.status_code, stamped.json()["code"]) == (409, "card_inactive")


async def test_a_repeated_key_answers_that_the_data_is_gone_and_enrolls_nobody_again(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        await privacy_service.erase_customer(ctx, person.customer_id)
    body = {
        "first_name": FIRST_NAME, "last_name": LAST_NAME, "email": person.email, "phone": PHONE, "birth_date": BIRTH_DATE.isoformat(),
        "locale": "de", "has_accepted_terms": True, "wants_marketing": True,
    }  # fmt: skip
    path = f"/api/v1/storefront/{person.shop.merchant.store.code}/loyalty/enroll"
    answer = await client.post(path, json=body, headers={"Idempotency-Key": person.answered_key})
    assert (answer.status_code, answer.json()["code"]) == (410, "customer_anonymized")
    assert await superuser.fetchval("SELECT count(*) FROM customers WHERE merchant_id = $1 AND email IS NOT NULL", person.shop.id) == 0


@pytest.mark.parametrize(("days", "points"), [(0, 0), (364, 0), (366, 25)])
async def test_no_second_welcome_bonus_within_a_year(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, days: int, points: int
) -> None:
    person = await make_person(database, superuser, client)
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        await privacy_service.erase_customer(ctx, person.customer_id)
    later = clock.now() + dt.timedelta(days=days)
    again = await make_card(database, person.shop, person=applicant(person.email.upper()), now=later)
    assert again.customer_id != person.customer_id
    assert again.state.points_balance == points
