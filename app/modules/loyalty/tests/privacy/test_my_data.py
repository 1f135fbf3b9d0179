"""A person sees, takes away and erases what is held on them; nobody else's (G4, G9)."""

import csv
import datetime as dt
import io
import json
import uuid
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.core.web.credentials import LANGUAGE_COOKIE
from app.modules.loyalty.services import my_data_service, privacy_service
from app.modules.loyalty.tests.privacy.person import FIRST_NAME, LAST_NAME, NOTES, PHONE, Person, make_person
from app.modules.loyalty.tests.privacy.traces import find_traces
from app.modules.tenancy.tests.factories import customer_cookie, make_customer_session, merchant_ctx

WorkerOnce = Callable[..., Awaitable[list[Any]]]
SECTIONS = ["consents", "cards", "transactions", "mails", "sign_ins", "birthday_greetings", "log"]


def cookie(person: Person) -> dict[str, str]:
    """Return the header of the person's phone."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in person.cookies.items()), "Accept-Language": "de"}


def api_of(person: Person) -> str:
    """Return the address of the person's data."""
    return f"/api/v1/storefront/{person.shop.merchant.store.code}/loyalty/my-data"


def page_of(person: Person) -> str:
    """Return the address of the person's page."""
    return f"/s/{person.shop.merchant.store.code}/loyalty/my-data"


async def test_the_document_holds_every_section(database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient) -> None:
    person = await make_person(database, superuser, client)
    answer = await client.get(api_of(person), headers=cookie(person))
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["format"], document["version"]) == ("orion-customer-data", 1)
    profile = document["profile"]
    assert (profile["first_name"], profile["last_name"], profile["email"]) == (FIRST_NAME, LAST_NAME, person.email)
    assert (profile["phone"], profile["birth_date"], profile["language"]) == (PHONE, "1987-03-29", "de")
    assert profile["without_reminders"] is True
    assert [(item["purpose"], item["action"]) for item in document["consents"]] == [("terms", "granted"), ("marketing", "granted")]
    assert {card["id"] for card in document["cards"]} == {str(card_id) for card_id in person.card_ids}
    assert [card["notes"] for card in document["cards"]] == [NOTES, NOTES]
    rows = await superuser.fetchval("SELECT count(*) FROM loyalty_transactions WHERE card_id = ANY($1::uuid[])", person.card_ids)
    assert len(document["transactions"]) == rows >= 2
    assert [(mail["template"], mail["recipient"]) for mail in document["mails"]] == [("loyalty_enrollment", person.email)]
    assert (len(document["sign_ins"]), [item["year"] for item in document["birthday_greetings"]]) == (2, [2025])
    assert {"loyalty.card.enrolled", "loyalty.card.deactivated"} <= {entry["action"] for entry in document["log"]}


async def test_the_download_is_made_by_a_task_and_holds_the_same(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, worker_once: WorkerOnce
) -> None:
    person = await make_person(database, superuser, client)
    asked = await client.post(f"{api_of(person)}/downloads", headers=cookie(person))
    assert (asked.status_code, asked.json()["is_ready"]) == (202, False)
    again = await client.post(f"{api_of(person)}/downloads", headers=cookie(person))
    assert again.json()["id"] == asked.json()["id"]
    file_id = asked.json()["id"]
    unready = await client.get(f"{page_of(person)}/{file_id}", headers=cookie(person))
    assert unready.status_code == 404
    assert "wird erstellt" in (await client.get(page_of(person), headers=cookie(person))).text
    await worker_once(merchant_id=person.shop.id)
    listed = (await client.get(f"{api_of(person)}/downloads", headers=cookie(person))).json()["items"]
    assert [(item["id"], item["is_ready"]) for item in listed if item["id"] == file_id] == [(file_id, True)]
    answer = await client.get(f"{page_of(person)}/{file_id}", headers=cookie(person))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == sorted(["my-data.json", "profile.csv", *(f"{name}.csv" for name in SECTIONS)])
        document = json.loads(archive.read("my-data.json"))
        cards = list(csv.DictReader(io.StringIO(archive.read("cards.csv").decode("utf-8-sig"))))
        profile = dict(csv.reader(io.StringIO(archive.read("profile.csv").decode("utf-8-sig"))))
    live = (await client.get(api_of(person), headers=cookie(person))).json()
    same = [name for name in ("profile", "consents", "cards", "transactions", "birthday_greetings") if document[name] == live[name]]
    assert same == ["profile", "consents", "cards", "transactions", "birthday_greetings"]
    assert [card["notes"] for card in cards] == [NOTES, NOTES]
    assert profile["phone"] == f"'{PHONE}"  # no spreadsheet takes it for a formula

    tomorrow = clock.now() + my_data_service.LASTS + dt.timedelta(minutes=1)
    async with merchant_ctx(database, person.shop.merchant, now=tomorrow) as ctx:
        assert await my_data_service.list_downloads(ctx, person.customer_id) == []


async def test_nobody_gets_another_persons_download(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, worker_once: WorkerOnce
) -> None:
    person = await make_person(database, superuser, client)
    other = await make_person(database, superuser, client, shop=person.shop)
    file_id = (await client.post(f"{api_of(person)}/downloads", headers=cookie(person))).json()["id"]
    await worker_once(merchant_id=person.shop.id)
    foreign = await client.get(f"{page_of(person)}/{file_id}", headers={**cookie(other), "Accept": "application/json"})
    unknown = await client.get(f"{page_of(person)}/{uuid.uuid4()}", headers={**cookie(other), "Accept": "application/json"})
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    stranger = await client.get(page_of(person), headers={"Accept": "application/json"})
    assert stranger.status_code == 401


async def test_a_download_that_waits_is_not_made_of_somebody_erased_meanwhile(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, worker_once: WorkerOnce
) -> None:
    person = await make_person(database, superuser, client)
    file_id = (await client.post(f"{api_of(person)}/downloads", headers=cookie(person))).json()["id"]
    async with merchant_ctx(database, person.shop.merchant) as ctx:
        await privacy_service.erase_customer(ctx, person.customer_id)
        await my_data_service.make_download(ctx, customer_id=person.customer_id, file_id=uuid.UUID(file_id))
    await worker_once(merchant_id=person.shop.id)
    assert await find_traces(superuser, person.shop.id, person.words) == {}


async def test_erasing_oneself_needs_the_tick_signs_out_and_leaves_nothing(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, worker_once: WorkerOnce
) -> None:
    person = await make_person(database, superuser, client)
    await client.post(f"{api_of(person)}/downloads", headers=cookie(person))
    await worker_once(merchant_id=person.shop.id)
    before = await find_traces(superuser, person.shop.id, person.words)
    assert "public.core_file_parts.data" in before
    answers = [
        await client.post(f"{api_of(person)}/erasure", json=body, headers=cookie(person))
        for body in ({}, {"is_confirmed": False}, {"is_confirmed": "yes"})
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422]
    sentence = "Bitte bestätigen Sie mit diesem Häkchen. Es wurde nichts gelöscht."
    assert answers[-1].json()["errors"] == [{"field": "is_confirmed", "message": sentence}]
    assert await find_traces(superuser, person.shop.id, person.words) == before
    preview = (await client.get(f"{api_of(person)}/erasure", headers=cookie(person))).json()
    answer = await client.post(f"{api_of(person)}/erasure", json={"is_confirmed": True}, headers=cookie(person))
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert {part["category"]: part["count"] for part in receipt["parts"]} == {part["category"]: part["count"] for part in preview["parts"]}
    assert next(part["label"] for part in receipt["parts"] if part["category"] == "cards") == "Karten: Nummer, Code und Notizen"
    assert f"{next(iter(person.cookies))}=" in answer.headers["set-cookie"]
    assert await find_traces(superuser, person.shop.id, person.words) == {}
    row = await superuser.fetchrow("SELECT actor_kind, actor_id FROM erasure_log WHERE customer_id = $1", person.customer_id)
    assert row is not None
    assert tuple(row) == ("customer", person.customer_id)
    assert (await client.get(page_of(person), headers={**cookie(person), "Accept": "application/json"})).status_code == 401


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ["Everything about me", "My consents", "Erase my data"]),
        ("fr", ["Tout ce qui me concerne", "Mes consentements", "Effacer mes données"]),
        ("de", ["Alles über mich", "Meine Einwilligungen", "Meine Daten löschen"]),
        ("lb", ["Alles iwwer mech", "Meng Zoustëmmungen", "Meng Donnéeë läschen"]),
    ],
)
async def test_the_pages_speak_and_say_what_goes_and_stays(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient, locale: str, words: list[str]
) -> None:
    person = await make_person(database, superuser, client)
    headers = cookie(person) | {"Cookie": f"{cookie(person)['Cookie']}; {LANGUAGE_COOKIE}={locale}", "Accept": "text/html"}
    page = await client.get(page_of(person), headers=headers)
    assert page.status_code == 200
    assert [word for word in words if word not in page.text] == []
    assert PHONE in page.text
    ask = await client.get(f"{page_of(person)}/erase", headers=headers)
    assert ask.status_code == 200
    assert 'name="is_confirmed"' in ask.text
    assert await superuser.fetchval("SELECT email FROM customers WHERE id = $1", person.customer_id) == person.email
    assert (await client.get(page_of(person).replace("my-data", "erased"))).status_code == 200


async def test_a_merchant_answers_a_request(database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient) -> None:
    person = await make_person(database, superuser, client)
    owner, staff = (
        {"Cookie": f"orion_session={person.shop.merchant.user(role).token}", "Accept": "text/html"} for role in ("owner", "staff")
    )
    here = f"/merchants/customers/{person.customer_id}"
    shown = await client.get(here, headers=owner)
    assert f'href="{here}/erasure"' in shown.text
    ask = await client.get(f"{here}/erasure", headers=owner)
    assert (ask.status_code, "is_confirmed" in ask.text, LAST_NAME in ask.text) == (200, True, True)
    data = await client.get(f"{here}/data.zip", headers=owner)
    with zipfile.ZipFile(io.BytesIO(data.content)) as archive:
        assert json.loads(archive.read("my-data.json"))["profile"]["email"] == person.email
    for path in ("erasure", "data.zip"):
        assert (await client.get(f"{here}/{path}", headers=staff)).status_code == 403
    api = f"/api/v1/merchants/loyalty/customers/{person.customer_id}/erasure"
    assert (await client.post(api, json={"is_confirmed": True}, headers=owner)).status_code == 200
    assert (await client.post(api, json={"is_confirmed": True}, headers=owner)).status_code == 410
    assert f'href="{here}/erasure"' not in (await client.get(here, headers=owner)).text


async def test_sessions_of_a_customer_of_the_same_shop_see_only_their_own(
    database: Database, superuser: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    person = await make_person(database, superuser, client)
    other = await make_person(database, superuser, client, shop=person.shop)
    session = await make_customer_session(database, person.shop.merchant, other.customer_id)
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in customer_cookie(session).items())}
    document = (await client.get(api_of(person), headers=headers)).text
    assert other.email in document
    assert person.email not in document
