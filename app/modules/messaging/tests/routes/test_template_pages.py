"""The pages on which mails are worded, and the platform's log of mails."""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.core.i18n.locale import LOCALES
from app.core.ids import new_id
from app.modules.customers.tests.factories import make_customer
from app.modules.messaging.tests.routes.test_templates import CODE, MINE, WORDS
from app.modules.tenancy.tests.factories import MadeUser, make_admin, make_merchant, sign_in_cookie

HTML = {"Accept": "text/html"}
MERCHANT_PAGES = ("/merchants/mails", f"/merchants/mails/{CODE}/de", f"/merchants/mails/{CODE}/de/preview")
ADMIN_PAGES = ("/admin/mails", "/admin/mails/templates", f"/admin/mails/templates/{CODE}/de", f"/admin/mails/templates/{CODE}/de/preview")
TITLES = {"en": "Sign-in link", "fr": "Lien de connexion", "de": "Anmeldelink", "lb": "Link fir d’Umellen"}
LOG = """
INSERT INTO email_logs (id, outbox_id, merchant_id, template, locale, recipient, state, attempts, error, created_at, sent_at, is_test)
VALUES ($1, $1, $2, $3, 'fr', $4, $5, 2, $6, $7::timestamptz, CASE WHEN $5 = 'sent' THEN $7::timestamptz END, $8)
"""
Opener = Callable[..., httpx.AsyncClient]


@pytest.fixture
def browse(make_client: Callable[..., httpx.AsyncClient]) -> Opener:
    """A browser of a signed-in person, in a language."""

    def opened(user: MadeUser | None, locale: str = "en") -> httpx.AsyncClient:
        browser = make_client(**HTML)
        browser.cookies.update((sign_in_cookie(user) if user else {}) | {"orion_lang": locale})
        return browser

    return opened


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_merchants_mails_are_listed_with_what_causes_them(database: Database, browse: Opener, locale: str) -> None:
    merchant = await make_merchant(database)
    browser = browse(merchant.manager, locale)
    assert (await browser.put(f"{MINE}/{CODE}/de", json=WORDS)).status_code == 200
    page = (await browser.get("/merchants/mails")).text
    assert f'href="/merchants/mails/{CODE}/{locale}">{TITLES[locale]}' in page.replace("’", "’")
    assert "password_link" not in page
    assert 'aria-current="page"' in page


@pytest.mark.parametrize("locale", ["en", "lb"])
async def test_the_editor_shows_sentences_variables_and_a_shut_in_preview(database: Database, browse: Opener, locale: str) -> None:
    merchant = await make_merchant(database)
    browser = browse(merchant.owner, locale)
    page = await browser.get(f"/merchants/mails/{CODE}/de")
    assert page.status_code == 200
    assert 'value="Ihr Anmeldelink – {{merchant_name}}"' in page.text
    assert 'data-insert="{{valid_minutes}}"' in page.text
    assert f'src="/merchants/mails/{CODE}/de/preview" sandbox="allow-same-origin"' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert 'id="reset-mail"' not in page.text
    assert (await browser.put(f"{MINE}/{CODE}/de", json=WORDS)).status_code == 200
    changed = (await browser.get(f"/merchants/mails/{CODE}/de")).text
    assert 'id="reset-mail"' in changed
    assert 'value="Hinein"' in changed

    inner = await browser.get(f"/merchants/mails/{CODE}/de/preview")
    policy = inner.headers["content-security-policy"]
    assert "Schön, dass Sie da sind" in inner.text
    for part in ("default-src 'none'", "sandbox allow-same-origin", "frame-ancestors 'self'", "img-src 'self'"):
        assert part in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy + page.text


@pytest.mark.parametrize("path", MERCHANT_PAGES)
async def test_only_who_manages_the_business_sees_its_mails(database: Database, browse: Opener, path: str) -> None:
    merchant = await make_merchant(database)
    nobody = await browse(None).get(path)
    assert nobody.status_code == 303
    assert nobody.headers["location"].startswith("/merchants/sign-in")
    assert (await browse(merchant.staff).get(path)).status_code == 403
    for user in (merchant.manager, merchant.owner):
        assert (await browse(user).get(path)).status_code == 200


@pytest.mark.parametrize("path", ADMIN_PAGES)
async def test_only_the_platform_sees_its_pages(database: Database, browse: Opener, path: str) -> None:
    merchant = await make_merchant(database)
    assert (await browse(None).get(path)).status_code == 303
    assert (await browse(merchant.owner).get(path)).status_code == 403
    assert (await browse(await make_admin(database)).get(path)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/merchants/mails/password_link/de", "/merchants/mails/nothing/de/preview", f"/merchants/mails/{CODE}/es"]
)
async def test_other_mails_are_not_found(database: Database, browse: Opener, path: str) -> None:
    merchant = await make_merchant(database)
    assert (await browse(merchant.owner).get(path)).status_code in (404, 422)


async def write_log(superuser: asyncpg.Connection, merchant_id: uuid.UUID | None, state: str, at: dt.datetime, **changes: Any) -> None:
    values = {"template": CODE, "recipient": "lea.muller@example.lu", "error": None, "is_test": False} | changes
    await superuser.execute(
        LOG, new_id(), merchant_id, values["template"], values["recipient"], state, values["error"], at, values["is_test"]
    )


async def test_the_log_shows_what_became_of_mails_without_addresses(
    database: Database, superuser: asyncpg.Connection, browse: Opener
) -> None:
    """Its rows lie in the future, so that those of other tests come after them."""
    merchant = await make_merchant(database, name=f"Käppchen {uuid.uuid4().hex[:8]}")
    start = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
    await write_log(superuser, merchant.id, "failed", start, error="smtp_550_5.1.1")
    await write_log(superuser, merchant.id, "sent", start + dt.timedelta(hours=1), is_test=True)
    await write_log(superuser, None, "suppressed", start + dt.timedelta(hours=2), template="gone_template", recipient=None, error="erased")
    try:
        browser = browse(await make_admin(database))
        page = (await browser.get("/admin/mails")).text
        assert "lea.muller" not in page
        assert "l•••@e•••.lu" in page
        assert page.index("gone_template") < page.index(TITLES["en"]) < page.index("smtp_550_5.1.1")
        assert merchant.name in page
        assert "Test" in page
        failed = (await browser.get("/admin/mails?state=failed")).text
        assert "smtp_550_5.1.1" in failed
        assert "gone_template" not in failed
        for _ in range(26):
            await write_log(superuser, merchant.id, "queued", start - dt.timedelta(hours=1), error="smtp_timeout")
        first = (await browser.get("/admin/mails?state=queued")).text
        assert first.count("smtp_timeout") == 25
        following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        assert following.startswith("/admin/mails?state=queued&cursor=")
        second = await browser.get(following)
        assert second.status_code == 200
        assert "smtp_timeout" in second.text
        assert 'href="/admin/mails?state=queued"' in second.text
        assert (await browser.get("/admin/mails?cursor=abc")).status_code == 400
    finally:
        await superuser.execute("DELETE FROM email_logs WHERE created_at > '2998-01-01'")


async def test_mails_are_found_by_whom_they_went_to(database: Database, superuser: asyncpg.Connection, browse: Opener) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    name = f"zoe{uuid.uuid4().hex[:10]}"
    people = []
    for owner, address in ((merchant, f"{name}@example.lu"), (merchant, f"x{name}@example.lu"), (other, f"{name}@example.lu")):
        people.append(await make_customer(database, owner, email=address))
        await write_log(superuser, owner.id, "failed", clock.now(), error=f"mail_{len(people)}")
        note = "UPDATE email_logs SET customer_id = $1 WHERE error = $2 AND merchant_id = $3"
        await superuser.execute(note, people[-1].id, f"mail_{len(people)}", owner.id)
    await write_log(superuser, None, "failed", clock.now(), error=f"to_{name}")
    await superuser.execute("UPDATE email_logs SET user_id = $1 WHERE error = $2", merchant.owner.id, f"to_{name}")
    browser = browse(await make_admin(database))

    async def found(**query: str) -> list[str]:
        page = await browser.get("/admin/mails", params=query)
        assert page.status_code == 200
        assert name not in re.sub(r'value="[^"]*"|href="[^"]*"|to_\w+', "", page.text)
        return re.findall(r"<code>(\w+)</code>", page.text)

    assert await found(q=f" {name.upper()}@Example.lu ") == ["mail_3", "mail_1"]
    assert await found(q=name, sort="created") == ["mail_1", "mail_3"]
    assert await found(q=name, merchant=str(merchant.id)) == ["mail_1"]
    assert await found(q=name, state="sent") == []
    assert await found(q=merchant.owner.email) == [f"to_{name}"]
    assert await found(q=f"{name}@example.com") == []


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_platforms_pages_are_in_the_readers_language(database: Database, browse: Opener, locale: str) -> None:
    browser = browse(await make_admin(database), locale)
    assert TITLES[locale] in (await browser.get("/admin/mails/templates")).text
    editor = (await browser.get(f"/admin/mails/templates/{CODE}/fr")).text
    assert TITLES[locale] in editor
    assert "Votre lien de connexion" in editor
