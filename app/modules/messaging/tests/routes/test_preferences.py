"""Unsubscribing and preferences by signed links, over HTTP as mail readers, scanners and browsers do it (case 51; RFC 8058)."""

import datetime as dt
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.i18n.locale import LOCALES
from app.core.ids import new_id
from app.core.web.middleware import Gate
from app.modules.customers import public as customers
from app.modules.customers.tests.factories import make_customer
from app.modules.messaging.domain.mail_link import PREFERENCES_LIFETIME
from app.modules.messaging.services import links, preference_service
from app.modules.tenancy.tests.factories import MadeMerchant, make_customer_session, make_merchant, merchant_ctx

PAGE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}
BODY = "List-Unsubscribe=One-Click"
Checksum = Callable[[str, uuid.UUID], Awaitable[str]]
TABLES = ("customers", "customer_consents", "email_opt_outs", "email_logs")


@pytest_asyncio.fixture(loop_scope="session")
async def reader(api: Gate) -> AsyncIterator[httpx.AsyncClient]:
    """A mail reader or a scanner: no cookies, no origin, nothing that a browser sends."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://testserver") as opened:
        yield opened


async def make_person(database: Database, *, locale: str = "lb") -> tuple[MadeMerchant, customers.CustomerRecord]:
    merchant = await make_merchant(database, name="Bäckerei Käppchen")
    return merchant, await make_customer(database, merchant, accepts_marketing=True, locale=locale, first_name="Zoé", last_name="Muller")


async def path_of(database: Database, merchant: MadeMerchant, customer_id: uuid.UUID, what: str, now: dt.datetime | None = None) -> str:
    """The path of the link to unsubscribe from `what`, or of the preferences."""
    async with merchant_ctx(database, merchant, now=now) as ctx:
        link = links.preferences_link(ctx, customer_id) if what == "preferences" else links.unsubscribe_link(ctx, customer_id, what)
    return urlsplit(link).path


async def chosen(database: Database, merchant: MadeMerchant, customer_id: uuid.UUID) -> tuple[bool, bool, str]:
    """Whether reminders and marketing come, and the language."""
    async with merchant_ctx(database, merchant, kind="customer", customer_id=customer_id) as ctx:
        found = await preference_service.get_preferences(ctx)
    return found.wants_reminders, found.wants_marketing, found.locale


@pytest.mark.parametrize(("what", "left"), [("marketing", (True, False)), ("reminder", (False, True))])
async def test_case_51(
    reader: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, checksum: Checksum, what: str, left: tuple[bool, bool]
) -> None:
    """GET by a scanner: no effect. POST twice: 200, 200, done once. Forged: 404."""
    merchant, customer = await make_person(database)
    path = await path_of(database, merchant, customer.id, what)
    before = [await checksum(table, merchant.id) for table in TABLES]
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = await reader.request(method, path, headers={"Accept": "*/*", "User-Agent": "SafeLinks"})
        assert answer.status_code in (200, 405)
    assert [await checksum(table, merchant.id) for table in TABLES] == before
    forged = path[:-10] + ("A" if path[-10] != "A" else "B") + path[-9:]
    for method in ("GET", "POST"):
        answer = await reader.request(method, forged, content=BODY if method == "POST" else None, headers=ONE_CLICK)
        assert answer.status_code == 404
    assert [await checksum(table, merchant.id) for table in TABLES] == before
    for _ in range(2):
        answer = await reader.post(path, content=BODY, headers=ONE_CLICK)
        assert answer.status_code == 200
        assert (await chosen(database, merchant, customer.id))[:2] == left
    withdrawn = "SELECT count(*) FROM customer_consents WHERE customer_id = $1 AND action = 'withdrawn' AND source = 'unsubscribe'"
    assert await superuser.fetchval(withdrawn, customer.id) == (what == "marketing")


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (BODY, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}),
        (
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            {"Content-Type": "multipart/form-data; boundary=x"},
        ),
        (BODY, ONE_CLICK | {"Origin": "https://webmail.example", "Sec-Fetch-Site": "cross-site"}),
        (BODY, ONE_CLICK | {"Cookie": "orion_session=x; other=y"}),
        ("", {}),
    ],
    ids=["urlencoded", "multipart", "webmail in a browser", "with cookies", "empty"],
)
async def test_every_kind_of_mail_reader_gets_through(
    reader: httpx.AsyncClient, database: Database, content: str, headers: dict[str, str]
) -> None:
    merchant, customer = await make_person(database)
    path = await path_of(database, merchant, customer.id, "marketing")
    assert (await reader.post(path, content=content, headers=headers)).status_code == 200
    assert (await chosen(database, merchant, customer.id))[1] is False


async def test_only_this_route_takes_what_others_refuse(reader: httpx.AsyncClient, database: Database) -> None:
    merchant, customer = await make_person(database)
    preferences = await path_of(database, merchant, customer.id, "preferences")
    foreign = ONE_CLICK | {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    unsubscribe = await path_of(database, merchant, customer.id, "marketing")
    for path, headers in (
        (preferences, foreign),
        (preferences, ONE_CLICK | {"Cookie": "a=b"}),
        (preferences, {"Content-Type": "text/plain"}),
        (unsubscribe + "/", ONE_CLICK),
        (unsubscribe + "/x", ONE_CLICK),
        ("/mail/unsubscribe/", ONE_CLICK),
        ("/api/v1/auth/login", ONE_CLICK),
        ("/api/v1/webhooks/mail/postmark", ONE_CLICK),
    ):
        assert (await reader.post(path, content="locale=fr", headers=headers)).status_code == 403, (path, headers)
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await reader.request(method, unsubscribe, content=BODY, headers=ONE_CLICK)).status_code == 403
    assert await chosen(database, merchant, customer.id) == (True, True, "lb")


async def test_a_link_opens_what_it_was_made_for(reader: httpx.AsyncClient, database: Database) -> None:
    merchant, customer = await make_person(database)
    marketing = (await path_of(database, merchant, customer.id, "marketing")).rpartition("/")[2]
    preferences = (await path_of(database, merchant, customer.id, "preferences")).rpartition("/")[2]
    for path in (
        f"/mail/preferences/{marketing}",
        f"/mail/unsubscribe/{preferences}",
        "/mail/unsubscribe/x",
        "/mail/preferences/" + "A" * 74,
    ):
        for method in ("GET", "POST"):
            answer = await reader.request(method, path, content="locale=fr" if method == "POST" else None, headers=ONE_CLICK)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert await chosen(database, merchant, customer.id) == (True, True, "lb")


async def test_another_merchants_link_does_nothing_here(reader: httpx.AsyncClient, database: Database) -> None:
    """A link is signed for one merchant's customer: mixing two makes somebody who is not there."""
    merchant, customer = await make_person(database)
    other, stranger = await make_person(database)
    mixed = await path_of(database, other, customer.id, "marketing")
    assert (await reader.get(mixed)).status_code == 404
    assert (await reader.post(mixed, content=BODY, headers=ONE_CLICK)).status_code == 404
    assert (await reader.post(await path_of(database, other, stranger.id, "marketing"), content=BODY, headers=ONE_CLICK)).status_code == 200
    assert (await chosen(database, merchant, customer.id))[1] is True
    nobody = await path_of(database, merchant, new_id(), "preferences")
    assert (await reader.get(nobody)).status_code == 404


async def test_a_key_of_another_installation_opens_nothing(
    reader: httpx.AsyncClient, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant, customer = await make_person(database)
    with monkeypatch.context() as patch:
        patch.setitem(settings.__dict__, "secret_key", b"x" * 32)
        path = await path_of(database, merchant, customer.id, "marketing")
    assert (await reader.post(path, content=BODY, headers=ONE_CLICK)).status_code == 404


@pytest.mark.parametrize("locale", LOCALES)
async def test_pages_tell_no_more_than_they_must(client: httpx.AsyncClient, database: Database, locale: str) -> None:
    """In the customer's language; no name, no whole address, no card: mails are forwarded."""
    merchant, customer = await make_person(database, locale=locale)
    assert customer.email is not None
    paths = [await path_of(database, merchant, customer.id, what) for what in ("marketing", "reminder", "preferences")]
    for path in paths:
        page = await client.get(path, headers=PAGE)
        assert page.status_code == 200
        assert f'lang="{locale}"' in page.text
        assert "Bäckerei Käppchen" in page.text
        assert "k•••@e•••.lu" in page.text
        for secret in (customer.email, "Zoé", "Muller", str(customer.id)):
            assert secret not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert 'content="noindex"' in page.text
        assert "set-cookie" not in page.headers
    chosen_on_the_page = await client.get(f"{paths[-1]}?lang=en", headers=PAGE)
    assert 'lang="en"' in chosen_on_the_page.text


async def test_the_button_of_the_page_works_without_a_script(client: httpx.AsyncClient, database: Database) -> None:
    merchant, customer = await make_person(database, locale="en")
    path = await path_of(database, merchant, customer.id, "marketing")
    page = (await client.get(path, headers=PAGE)).text
    (form,) = re.findall(r"<form[^>]*>.*?</form>", page, re.S)
    assert 'method="post"' in form
    assert "action=" not in form
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    assert fields == {"List-Unsubscribe": "One-Click"}
    done = await client.post(path, data=fields, headers=PAGE)
    assert done.status_code == 200
    assert "You are unsubscribed" in done.text
    assert "<form" not in done.text
    again = await client.get(path, headers=PAGE)
    assert "You are unsubscribed" in again.text
    (preferences,) = re.findall(r'href="(/mail/preferences/[^"]+)"', again.text)
    assert (await client.get(preferences, headers=PAGE)).status_code == 200


async def test_preferences_are_saved_and_the_profile_agrees(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    merchant, customer = await make_person(database, locale="en")
    path = await path_of(database, merchant, customer.id, "preferences")
    page = (await client.get(path, headers=PAGE)).text
    assert re.findall(r'type="checkbox"[^>]*name="(\w+)"[^>]*checked', page) == ["reminders", "marketing"]
    for form, expected in (
        ({"locale": "de"}, (False, False, "de")),
        ({"locale": "de", "reminders": "on"}, (True, False, "de")),
        ({"locale": "fr", "marketing": "on", "reminders": "on"}, (True, True, "fr")),
        ({"locale": "fr", "marketing": "on", "reminders": "on"}, (True, True, "fr")),
    ):
        answer = await client.post(path, data=form, headers=PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?saved=1")
        assert await chosen(database, merchant, customer.id) == expected
        saved = await client.get(answer.headers["location"], headers=PAGE)
        assert ('role="status"' in saved.text, f'lang="{expected[2]}"' in saved.text) == (True, True)
        async with merchant_ctx(database, merchant) as ctx:
            assert (customers.ConsentPurpose.MARKETING in await customers.current_consents(ctx, customer.id)) is expected[1]
    history = """SELECT action, source, text_version, locale FROM customer_consents
                 WHERE customer_id = $1 AND purpose = 'marketing' ORDER BY at, id"""
    rows = await superuser.fetch(history, customer.id)
    version = preference_service.CONSENT_VERSION
    assert [tuple(row) for row in rows] == [
        ("granted", "storefront", "1", "en"),
        ("withdrawn", "preferences", version, "en"),
        ("granted", "preferences", version, "de"),
    ]
    assert re.fullmatch(r"preferences-[0-9a-f]{12}", version)


async def test_the_language_chosen_last_is_the_pages(client: httpx.AsyncClient, database: Database) -> None:
    merchant, customer = await make_person(database, locale="en")
    path = await path_of(database, merchant, customer.id, "preferences")
    without_choice = await client.post(path, data={"locale": "de"}, headers=PAGE)
    assert "set-cookie" not in without_choice.headers
    client.cookies.set("orion_lang", "fr")
    assert 'lang="fr"' in (await client.get(path, headers=PAGE)).text
    await client.post(path, data={"locale": "lb"}, headers=PAGE)
    client.cookies.delete("orion_lang", domain="")
    assert 'lang="lb"' in (await client.get(path, headers=PAGE)).text


async def test_what_the_profile_chose_is_what_the_preferences_show(client: httpx.AsyncClient, database: Database) -> None:
    merchant, customer = await make_person(database)
    async with merchant_ctx(database, merchant) as ctx:
        await customers.record_consents(
            ctx, customer.id, text_version="3", source=customers.ConsentSource.PROFILE, locale="fr", marketing=False
        )
    page = (await client.get(await path_of(database, merchant, customer.id, "preferences"), headers=PAGE)).text
    assert re.findall(r'type="checkbox"[^>]*name="(\w+)"[^>]*checked', page) == ["reminders"]
    assert "<form" not in (await client.get(await path_of(database, merchant, customer.id, "marketing"), headers=PAGE)).text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"locale=xx", 422),
        (b"locale=fr&points_balance=5", 422),
        (b"locale=fr&merchant_id=1&role=owner", 422),
        (b"locale=\xff", 400),
        (b"locale=%FF", 400),
        (b"locale", 400),
        (b"&".join(b"a%d=1" % number for number in range(20)), 400),
    ],
)
async def test_odd_forms_change_nothing(client: httpx.AsyncClient, database: Database, content: bytes, status: int) -> None:
    merchant, customer = await make_person(database)
    path = await path_of(database, merchant, customer.id, "preferences")
    answer = await client.post(path, content=content, headers=ONE_CLICK)
    assert answer.status_code == status
    assert await chosen(database, merchant, customer.id) == (True, True, "lb")


async def test_old_preferences_are_gone_and_old_unsubscribing_works(reader: httpx.AsyncClient, database: Database) -> None:
    merchant, customer = await make_person(database)
    long_ago = clock.now() - PREFERENCES_LIFETIME - dt.timedelta(days=1)
    old = await path_of(database, merchant, customer.id, "preferences", now=long_ago)
    for method in ("GET", "POST"):
        answer = await reader.request(method, old, content="locale=fr" if method == "POST" else None, headers=ONE_CLICK)
        assert (answer.status_code, answer.json()["code"]) == (410, "mail_link_too_old")
    assert await chosen(database, merchant, customer.id) == (True, True, "lb")
    unsubscribe = await path_of(database, merchant, customer.id, "marketing", now=long_ago)
    assert (await reader.post(unsubscribe, content=BODY, headers=ONE_CLICK)).status_code == 200


async def test_an_erased_persons_links_lead_nowhere(reader: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    merchant, customer = await make_person(database)
    paths = [await path_of(database, merchant, customer.id, what) for what in ("marketing", "reminder", "preferences")]
    await superuser.execute(
        """UPDATE customers SET (first_name, last_name, first_name_search, last_name_search, email, email_normalized, anonymized_at) =
               (NULL, NULL, NULL, NULL, NULL, NULL, now()) WHERE id = $1""",
        customer.id,
    )
    for path in paths:
        for method in ("GET", "POST"):
            answer = await reader.request(method, path, content="locale=fr" if method == "POST" else None, headers=ONE_CLICK)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_link_counts_whoever_is_signed_in(client: httpx.AsyncClient, database: Database) -> None:
    """A link names its person; a session of somebody else on the same phone changes nothing about that."""
    merchant, customer = await make_person(database)
    other = await make_customer(database, merchant, accepts_marketing=True)
    session = await make_customer_session(database, merchant, other.id)
    client.cookies.set(session.cookie, session.token)
    path = await path_of(database, merchant, customer.id, "marketing")
    assert (await client.post(path, data={"List-Unsubscribe": "One-Click"}, headers=PAGE)).status_code == 200
    assert (await chosen(database, merchant, customer.id))[1] is False
    assert (await chosen(database, merchant, other.id))[1] is True
