"""The words of mails through the API, by merchants and by the platform, and what is sent afterwards."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core.config import Settings
from app.core.db.engine import Database
from app.core.i18n.locale import LOCALES
from app.core.testing.background import run_due
from app.modules.customers.tests.factories import make_customer
from app.modules.messaging.public import enqueue_mail
from app.modules.messaging.tests import contents
from app.modules.messaging.tests.smtp_server import MailServer
from app.modules.tenancy.tests.factories import (
    MadeMerchant,
    MadeUser,
    make_admin,
    make_member,
    make_merchant,
    merchant_ctx,
    sign_in_cookie,
)

Clients = Callable[..., httpx.AsyncClient]
MINE, ALL = "/api/v1/merchants/messaging/templates", "/api/v1/admin/messaging/templates"
CODE = "customer_sign_in"
WORDS = {
    "subject": "Kommen Sie herein – {{merchant_name}}",
    "preheader": "Ein Klick genügt.",
    "heading": "Schön, dass Sie da sind",
    "before": "{{greeting}}\n\nHier geht es <b>weiter</b> & hinein.",
    "button": "Hinein",
    "after": "Noch {{valid_minutes}} Minuten.",
    "reason": "Weil Sie darum gebeten haben.",
}


pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
def sign_in(make_client: Clients) -> Callable[..., httpx.AsyncClient]:
    """A browser of a signed-in person, in a language."""

    def opened(user: MadeUser, locale: str = "en") -> httpx.AsyncClient:
        browser = make_client()
        browser.cookies.update(sign_in_cookie(user) | {"orion_lang": locale})
        return browser

    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def standard(superuser: asyncpg.Connection) -> AsyncIterator[None]:
    """The platform's templates, put back after the test as they were delivered."""
    kept = await superuser.fetch("SELECT * FROM email_templates WHERE code = $1", CODE)
    yield
    for row in kept:
        await superuser.execute(
            """UPDATE email_templates SET copy = $3, subject = $4, html = $5, text = $6, updated_by_user_id = NULL
               WHERE code = $1 AND locale = $2""",
            row["code"], row["locale"], row["copy"], row["subject"], row["html"], row["text"],
        )  # fmt: skip


async def receive(database: Database, merchant: MadeMerchant, server: MailServer, locale: str = "de") -> tuple[str, str]:
    """Send the sign-in mail of `merchant` to a customer; return its subject and its text."""
    customer = await make_customer(database, merchant, locale=locale, first_name="Léa")
    async with merchant_ctx(database, merchant) as ctx:
        enqueue_mail(ctx, CODE, customer_id=customer.id, store_id=merchant.store.id)
    with contents.registered(CODE, "give_sign_in"):
        assert await run_due(database, merchant_id=merchant.id) == ["done"]
    mail = server.messages.pop()
    body = mail.get_body(("plain",))
    assert body is not None
    return str(mail["Subject"]), str(body.get_content()).replace("\r\n", "\n")


async def test_the_list_names_what_there_is_in_the_readers_language(database: Database, sign_in: Any) -> None:
    merchant = await make_merchant(database)
    rows = {row["code"]: row for row in (await sign_in(merchant.manager, "lb").get(MINE)).json()["items"]}
    assert rows[CODE] == {
        "code": CODE,
        "title": "Link fir d’Umellen",
        "occasion": "Wann e Client op Ärer Säit fir d’Treieprogramm no engem Link fir d’Umelle freet.",
        "category": "service",
        "sender": "merchant",
        "locales": ["en", "fr", "de", "lb"],
        "own_locales": [],
    }
    assert {"user_invited", "user_added", "loyalty_card_link"} <= rows.keys()
    assert {row["sender"] for row in rows.values()} == {"merchant"}
    everything = (await sign_in(await make_admin(database)).get(ALL)).json()["items"]
    assert {row["code"] for row in everything} > rows.keys() | {"password_link", "password_changed"}


async def test_a_merchants_own_words_are_sent_and_nobody_elses_mails_change(
    database: Database, superuser: asyncpg.Connection, sign_in: Any, server: MailServer
) -> None:
    merchant, other = await make_merchant(database, name="Bäckerei Käppchen"), await make_merchant(database)
    browser = sign_in(merchant.manager)
    before = (await browser.get(f"{MINE}/{CODE}/de")).json()
    assert (before["is_own"], before["required"]) == (False, ["valid_minutes"])
    assert before["sentences"] == before["standard"]
    assert before["variables"] == ["greeting", "merchant_address", "merchant_name", "sign_in_link", "valid_minutes"]

    saved = await browser.put(f"{MINE}/{CODE}/de", json=WORDS)
    assert saved.status_code == 200, saved.text
    assert (saved.json()["is_own"], saved.json()["sentences"], saved.json()["standard"]) == (True, WORDS, before["standard"])
    rows = {row["code"]: row["own_locales"] for row in (await browser.get(MINE)).json()["items"]}
    assert (rows[CODE], rows["user_invited"]) == (["de"], [])
    subject, text = await receive(database, merchant, server)
    assert subject == "Kommen Sie herein – Bäckerei Käppchen"
    assert "Guten Tag Léa,\n\nHier geht es <b>weiter</b> & hinein.\n\nHinein:\nhttps://" in text
    assert "Noch 15 Minuten." in text

    foreign = sign_in(other.owner)
    assert (await foreign.get(f"{MINE}/{CODE}/de")).json()["is_own"] is False
    assert (await foreign.delete(f"{MINE}/{CODE}/de")).json()["is_own"] is False
    assert (await receive(database, other, server))[0].startswith("Ihr Anmeldelink")
    assert (await receive(database, merchant, server, "fr"))[0].startswith("Votre lien de connexion")

    assert (await browser.delete(f"{MINE}/{CODE}/de")).json()["sentences"] == before["standard"]
    assert (await receive(database, merchant, server))[0] == "Ihr Anmeldelink – Bäckerei Käppchen"
    actions = await superuser.fetch("SELECT action, details FROM core_audit_log WHERE merchant_id = $1 ORDER BY at, id", merchant.id)
    mine = [tuple(row) for row in actions if row["action"].startswith("messaging.template")]
    details = {"template": CODE, "locale": "de"}
    assert mine == [("messaging.template.changed", details), ("messaging.template.reset", details)]


async def test_the_platforms_words_are_everybodys_standard(database: Database, sign_in: Any, server: MailServer, standard: None) -> None:
    merchant, own = await make_merchant(database), await make_merchant(database)
    admin = sign_in(await make_admin(database))
    assert (await sign_in(own.owner).put(f"{MINE}/{CODE}/de", json=WORDS | {"subject": "Eigenes"})).status_code == 200
    assert (await admin.put(f"{ALL}/{CODE}/de", json=WORDS | {"subject": "Vom Haus"})).json()["is_own"] is True
    assert (await receive(database, merchant, server))[0] == "Vom Haus"
    assert (await receive(database, own, server))[0] == "Eigenes"
    shown = (await sign_in(own.owner).get(f"{MINE}/{CODE}/de")).json()
    assert (shown["sentences"]["subject"], shown["standard"]["subject"]) == ("Eigenes", "Vom Haus")
    rows = {row["code"]: row["own_locales"] for row in (await admin.get(ALL)).json()["items"]}
    assert rows[CODE] == ["de"]
    back = (await admin.delete(f"{ALL}/{CODE}/de")).json()
    assert (back["is_own"], back["sentences"]["subject"]) == (False, "Ihr Anmeldelink – {{merchant_name}}")
    assert (await receive(database, merchant, server))[0].startswith("Ihr Anmeldelink")


@pytest.mark.parametrize(
    ("locale", "message"),
    [
        ("en", "{{first_name}} does not exist in this mail. You can use: {{greeting}}, {{merchant_address}}, {{merchant_name}}, "),
        ("de", "{{first_name}} gibt es in dieser E-Mail nicht. Sie können verwenden: {{greeting}}, "),
    ],
)
async def test_what_cannot_stay_so_is_named_at_its_field(database: Database, sign_in: Any, locale: str, message: str) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant.owner, locale)
    for method, path in (("PUT", f"{MINE}/{CODE}/de"), ("POST", f"{MINE}/{CODE}/de/preview")):
        answer = await browser.request(method, path, json=WORDS | {"heading": "Hallo {{first_name}}", "after": "", "button": ""})
        assert (answer.status_code, answer.json()["code"]) == (422, "mail_copy_invalid")
        errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
        assert errors["heading"].startswith(message)
        assert errors.keys() == {"heading", "button", "before"}
        assert "{{valid_minutes}}" in errors["before"]
    assert (await browser.get(f"{MINE}/{CODE}/de")).json()["is_own"] is False


async def test_a_preview_shows_the_merchants_own_look_and_saves_nothing(database: Database, sign_in: Any, settings: Settings) -> None:
    merchant = await make_merchant(database, name="Käppchen & Fils")
    browser = sign_in(merchant.owner)
    shown = (await browser.post(f"{MINE}/{CODE}/de/preview", json=WORDS)).json()
    assert shown["subject"] == "Kommen Sie herein – Käppchen & Fils"
    assert shown["preheader"] == "Ein Klick genügt."
    assert "Guten Tag Léa," in shown["text"]
    assert f"Hinein:\n{settings.base_url}/\n" in shown["text"]
    assert "Käppchen &amp; Fils" in shown["html"]
    assert "&lt;b&gt;weiter&lt;/b&gt; &amp; hinein" in shown["html"]
    assert 'lang="de"' in shown["html"]
    assert (await browser.get(f"{MINE}/{CODE}/de")).json()["is_own"] is False
    admin = sign_in(await make_admin(database))
    assert "Café Soleil" in (await admin.post(f"{ALL}/{CODE}/de/preview", json=WORDS)).json()["subject"]


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_mail_can_be_previewed(database: Database, sign_in: Any, locale: str) -> None:
    admin = sign_in(await make_admin(database))
    for row in (await admin.get(ALL)).json()["items"]:
        words = (await admin.get(f"{ALL}/{row['code']}/{locale}")).json()["sentences"]
        shown = await admin.post(f"{ALL}/{row['code']}/{locale}/preview", json=words)
        assert shown.status_code == 200, (row["code"], shown.text)
        assert "{{" not in shown.text


async def test_a_test_goes_to_whoever_asks_and_is_logged_as_one(
    database: Database, superuser: asyncpg.Connection, sign_in: Any, server: MailServer
) -> None:
    merchant = await make_merchant(database, name="Käppchen")
    browser = sign_in(merchant.manager)
    await browser.put(f"{MINE}/{CODE}/de", json=WORDS)
    answer = await browser.post(f"{MINE}/{CODE}/de/test")
    assert (answer.status_code, answer.json()) == (202, {"recipient": merchant.manager.email})
    assert await superuser.fetchval("SELECT count(*) FROM email_logs WHERE merchant_id = $1", merchant.id) == 0
    assert await run_due(database, merchant_id=merchant.id) == ["done"]
    (mail,) = server.messages
    assert (mail["To"], mail["Subject"]) == (merchant.manager.email, "[Test] Kommen Sie herein – Käppchen")
    row = await superuser.fetchrow("SELECT * FROM email_logs WHERE merchant_id = $1", merchant.id)
    assert row is not None
    assert (row["template"], row["locale"], row["state"], row["is_test"]) == (CODE, "de", "sent", True)
    assert (row["user_id"], row["customer_id"], row["recipient"]) == (merchant.manager.id, None, merchant.manager.email)
    await superuser.execute("UPDATE core_outbox SET done_at = NULL WHERE merchant_id = $1", merchant.id)
    assert await run_due(database, merchant_id=merchant.id) == ["done"]
    assert len(server.messages) == 1


async def test_every_mail_of_the_platform_can_be_tried(database: Database, sign_in: Any, superuser: asyncpg.Connection) -> None:
    admin = await make_admin(database)
    answer = await sign_in(admin).post(f"{ALL}/password_link/lb/test")
    assert (answer.status_code, answer.json()) == (202, {"recipient": admin.email})
    row = await superuser.fetchrow("SELECT task, payload, merchant_id FROM core_outbox WHERE payload ->> 'user_id' = $1", str(admin.id))
    assert row is not None
    assert (row["task"], row["merchant_id"]) == ("messaging.send_test_mail", None)
    assert row["payload"] == {"template": "password_link", "locale": "lb", "user_id": str(admin.id)}


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("GET", "/{c}/de"), ("PUT", "/{c}/de"), ("DELETE", "/{c}/de"), ("POST", "/{c}/de/preview"), ("POST", "/{c}/de/test")],
)
async def test_who_may_not_is_kept_out(database: Database, client: httpx.AsyncClient, sign_in: Any, method: str, tail: str) -> None:
    merchant = await make_merchant(database, stores=2)
    bound = await make_member(database, merchant, role="manager", bound=True)
    body = WORDS if method in ("PUT", "POST") and "test" not in tail else None
    path = tail.format(c=CODE)
    for base in (MINE, ALL):
        assert (await client.request(method, base + path, json=body)).status_code == 401
    for user in (merchant.staff, bound):
        assert (await sign_in(user).request(method, MINE + path, json=body)).status_code == 403
    assert (await sign_in(merchant.owner).request(method, ALL + path, json=body)).status_code == 403


@pytest.mark.parametrize("path", ["password_link/de", "password_changed/fr", "no_such_mail/de"])
async def test_the_platforms_mails_are_not_the_merchants(database: Database, sign_in: Any, path: str) -> None:
    merchant = await make_merchant(database)
    browser = sign_in(merchant.owner)
    for method, tail, body in (
        ("GET", "", None),
        ("PUT", "", WORDS),
        ("DELETE", "", None),
        ("POST", "/preview", WORDS),
        ("POST", "/test", None),
    ):
        answer = await browser.request(method, f"{MINE}/{path}{tail}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_template"), method


@pytest.mark.parametrize("path", [f"{CODE}/es", "../x/de", "Customer/de"])
async def test_strange_addresses_are_refused(database: Database, sign_in: Any, path: str) -> None:
    merchant = await make_merchant(database)
    assert (await sign_in(merchant.owner).get(f"{MINE}/{path}")).status_code in (404, 422)
