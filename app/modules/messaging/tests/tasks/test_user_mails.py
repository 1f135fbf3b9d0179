"""From what happens in tenancy to a mail for somebody of the team: through the API, the real outbox, runner and SMTP."""

import datetime as dt
import uuid
from email.message import EmailMessage

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database, raw_connection
from app.core.i18n.locale import LOCALES
from app.core.modules import load_modules
from app.core.outbox import claims
from app.core.tasks.registry import handlers_of
from app.core.tasks.runner import Runner
from app.core.testing.background import run_due
from app.modules.messaging.tests.smtp_server import MailServer
from app.modules.tenancy.events import PasswordChanged, PasswordLinkRequested, UserInvited
from app.modules.tenancy.tests.factories import PASSWORD, MadeMerchant, add_user, make_merchant, platform_ctx, sign_in_cookie

AUTH, TEAM = "/api/v1/auth", "/api/v1/merchants/tenancy/members"
LATER = dt.timedelta(hours=12)
NEW_PASSWORD = "velvet-harbour-teapot-19"
PLATFORM_MESSAGES = """
SELECT id FROM core_outbox WHERE merchant_id IS NULL AND payload ->> 'user_id' = $1 AND done_at IS NULL AND dead_at IS NULL
AND available_at <= $2 ORDER BY available_at, id
"""


pytestmark = pytest.mark.usefixtures("server")


async def make_user(database: Database, *, locale: str = "fr", password: str | None = None) -> tuple[uuid.UUID, str]:
    """Make somebody who works for no merchant; return their id and address."""
    async with platform_ctx(database) as ctx:
        user = await add_user(ctx, password=password)
        user.locale = locale
        return user.id, user.email


async def invite(
    client: httpx.AsyncClient, database: Database, merchant: MadeMerchant, email: str, *, name: str = "Marie", locale: str = "fr"
) -> uuid.UUID:
    """Let the owner add somebody to the team; return the user's id."""
    client.cookies.update(sign_in_cookie(merchant.owner))
    answer = await client.post(TEAM, json={"email": email, "display_name": name, "role": "manager", "locale": locale})
    assert answer.status_code == 201, answer.text
    client.cookies.clear()
    async with platform_ctx(database) as ctx:
        user_id: uuid.UUID = await ctx.conn.fetchval(
            "SELECT user_id FROM tenancy_memberships WHERE id = $1", uuid.UUID(answer.json()["id"])
        )
    return user_id


async def run_platform(
    database: Database, superuser: asyncpg.Connection, user_id: uuid.UUID, after: dt.timedelta = dt.timedelta()
) -> list[str]:
    """Run the platform's messages about this user as a worker does; those of other tests are left alone."""
    now = clock.now() + after
    runner = Runner(database, handlers_of(load_modules()))
    return [str(await runner.run(row["id"], now)) for row in await superuser.fetch(PLATFORM_MESSAGES, str(user_id), now)]


async def log_of(superuser: asyncpg.Connection, user_id: uuid.UUID) -> list[asyncpg.Record]:
    return list(await superuser.fetch("SELECT * FROM email_logs WHERE user_id = $1 ORDER BY created_at, id", user_id))


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(mail: EmailMessage) -> str:
    return next(line for line in text_of(mail).splitlines() if line.startswith("http"))


def test_everything_that_tenancy_tells_of_a_user_is_heard() -> None:
    (definition,) = (module for module in load_modules() if module.name == "messaging")
    assert set(definition.handlers) == {UserInvited.name, PasswordLinkRequested.name, PasswordChanged.name}


@pytest.mark.parametrize("locale", LOCALES)
async def test_somebody_new_is_invited_in_their_language_and_the_link_sets_a_password(
    database: Database, superuser: asyncpg.Connection, server: MailServer, client: httpx.AsyncClient, settings: Settings, locale: str
) -> None:
    merchant = await make_merchant(database, name="Bäckerei Käppchen")
    email = f"marie-{uuid.uuid4().hex[:12]}@example.lu"
    user_id = await invite(client, database, merchant, email, locale=locale)
    assert await run_due(database, merchant_id=merchant.id) == ["done"]
    (mail,) = server.messages
    assert (mail["To"], mail["Content-Language"]) == (email, locale)
    assert mail["From"].addresses[0].display_name == "Bäckerei Käppchen"
    assert {"en": "Hello Marie,", "fr": "Bonjour Marie,", "de": "Guten Tag Marie,", "lb": "Moien Marie,"}[locale] in text_of(mail)
    assert "1, rue du Fort, L-1234 Luxembourg" in text_of(mail)
    (row,) = await log_of(superuser, user_id)
    outbox_id = await superuser.fetchval("SELECT id FROM core_outbox WHERE merchant_id = $1", merchant.id)
    assert (row["template"], row["state"], row["merchant_id"], row["customer_id"]) == ("user_invited", "sent", merchant.id, None)
    assert (row["recipient"], row["locale"], row["outbox_id"], row["attempts"]) == (email, locale, outbox_id, 1)
    assert mail["Message-ID"] == f"<{outbox_id}@orion.example>"

    address, _, token = link_in(mail).partition("#")
    assert (await client.get(address.removeprefix(settings.base_url), headers={"Accept": "text/html"})).status_code == 200
    assert (await client.post(f"{AUTH}/password/set", json={"token": token, "password": NEW_PASSWORD})).status_code == 204
    assert (await client.post(f"{AUTH}/login", json={"email": email, "password": NEW_PASSWORD})).status_code == 200


async def test_somebody_with_a_password_is_told_to_sign_in_and_gets_no_link(
    database: Database, superuser: asyncpg.Connection, server: MailServer, client: httpx.AsyncClient, settings: Settings
) -> None:
    merchant = await make_merchant(database)
    user_id, email = await make_user(database, locale="de", password=PASSWORD)
    assert await invite(client, database, merchant, email, locale="fr") == user_id
    assert await run_due(database, merchant_id=merchant.id) == ["done"]
    (mail,) = server.messages
    assert mail["Content-Language"] == "de"
    assert link_in(mail) == f"{settings.base_url}/merchants/sign-in"
    assert [row["template"] for row in await log_of(superuser, user_id)] == ["user_added"]


async def test_a_name_that_is_an_advertisement_is_not_greeted_with(
    database: Database, server: MailServer, client: httpx.AsyncClient
) -> None:
    merchant = await make_merchant(database)
    await invite(client, database, merchant, f"x-{uuid.uuid4().hex[:12]}@example.lu", name="Gewinnen Sie auf spam.example")
    await run_due(database, merchant_id=merchant.id)
    assert "spam.example" not in text_of(server.messages[0])
    assert "Bonjour," in text_of(server.messages[0])


async def test_who_left_the_team_before_the_mail_gets_none(
    database: Database, superuser: asyncpg.Connection, server: MailServer, client: httpx.AsyncClient
) -> None:
    merchant = await make_merchant(database, locale="lb")
    user_id = await invite(client, database, merchant, f"gone-{uuid.uuid4().hex[:12]}@example.lu")
    await superuser.execute("DELETE FROM tenancy_memberships WHERE user_id = $1", user_id)
    assert await run_due(database, merchant_id=merchant.id) == ["done"]
    (row,) = await log_of(superuser, user_id)
    assert (row["state"], row["error"], row["recipient"], row["locale"]) == ("suppressed", "no_address", None, "lb")
    assert server.messages == []


async def test_an_invitation_is_tried_again_and_sent_once(
    database: Database, superuser: asyncpg.Connection, server: MailServer, client: httpx.AsyncClient
) -> None:
    merchant = await make_merchant(database)
    user_id = await invite(client, database, merchant, f"again-{uuid.uuid4().hex[:12]}@example.lu")
    server.takes_but_answers.append("451 4.3.0 Lost my memory")
    assert await run_due(database, merchant_id=merchant.id) == ["retried"]
    assert await run_due(database, merchant_id=merchant.id, now=clock.now() + LATER) == ["done"]
    await superuser.execute("UPDATE core_outbox SET done_at = NULL WHERE merchant_id = $1", merchant.id)
    assert await run_due(database, merchant_id=merchant.id, now=clock.now() + LATER) == ["done"]
    assert len(server.messages) == 2
    assert len({(mail["Message-ID"], link_in(mail)) for mail in server.messages}) == 1
    (row,) = await log_of(superuser, user_id)
    assert (row["state"], row["attempts"]) == ("sent", 2)


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_password_link_comes_from_the_platform_and_its_use_is_told(
    database: Database, superuser: asyncpg.Connection, server: MailServer, client: httpx.AsyncClient, settings: Settings, locale: str
) -> None:
    user_id, email = await make_user(database, locale=locale, password=PASSWORD)
    assert (await client.post(f"{AUTH}/password/link", json={"email": email})).status_code == 204
    assert await run_platform(database, superuser, user_id) == ["done"]
    (mail,) = server.messages
    assert (mail["To"], mail["Content-Language"]) == (email, locale)
    assert mail["From"].addresses[0].display_name == "Orion Loyalty"
    token = link_in(mail).partition("#")[2]
    assert (await client.post(f"{AUTH}/password/set", json={"token": token, "password": NEW_PASSWORD})).status_code == 204

    assert await run_platform(database, superuser, user_id) == ["done"]
    told = server.messages[1]
    assert (told["To"], told["Content-Language"]) == (email, locale)
    page = link_in(told)
    assert page == f"{settings.base_url}/account/forgot"
    assert (await client.get(page.removeprefix(settings.base_url), headers={"Accept": "text/html"})).status_code == 200
    rows = await log_of(superuser, user_id)
    assert [(row["template"], row["state"], row["merchant_id"], row["locale"]) for row in rows] == [
        ("password_link", "sent", None, locale),
        ("password_changed", "sent", None, locale),
    ]
    outbox = await superuser.fetch("SELECT id, payload FROM core_outbox WHERE payload ->> 'user_id' = $1 ORDER BY id", str(user_id))
    assert [mail["Message-ID"] for mail in server.messages] == [f"<{row['id']}@orion.example>" for row in outbox]
    assert [set(row["payload"]) for row in outbox] == [{"user_id", "link_id"}, {"user_id"}]


async def test_a_message_without_a_merchant_is_swept_tried_again_and_sent_once(
    database: Database, superuser: asyncpg.Connection, server: MailServer
) -> None:
    user_id, _ = await make_user(database)
    async with platform_ctx(database) as ctx:
        ctx.emit(PasswordChanged(user_id))
    waiting = await superuser.fetchval("SELECT id FROM core_outbox WHERE payload ->> 'user_id' = $1", str(user_id))
    # A sweep takes twenty of the platform's at a time, and other tests have left some.
    await superuser.execute("DELETE FROM core_outbox WHERE merchant_id IS NULL AND done_at IS NULL AND id <> $1", waiting)
    async with raw_connection(database.platform) as conn:
        swept = (await claims.sweep(conn, clock.now())).ids
        await claims.unhint(conn, swept)
    assert waiting in swept
    server.recipient_answers.append("451 4.3.0 Try later")
    assert await run_platform(database, superuser, user_id) == ["retried"]
    (row,) = await log_of(superuser, user_id)
    assert (row["state"], row["attempts"], row["error"], row["merchant_id"]) == ("queued", 1, "smtp_451_4.3.0", None)
    assert await run_platform(database, superuser, user_id) == []
    assert await run_platform(database, superuser, user_id, LATER) == ["done"]
    await superuser.execute("UPDATE core_outbox SET done_at = NULL WHERE id = $1", waiting)
    assert await run_platform(database, superuser, user_id, LATER) == ["done"]
    assert len(server.messages) == 1
    (row,) = await log_of(superuser, user_id)
    assert (row["state"], row["attempts"], row["outbox_id"]) == ("sent", 2, waiting)


async def test_a_refused_address_is_given_up(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    user_id, _ = await make_user(database)
    async with platform_ctx(database) as ctx:
        ctx.emit(PasswordChanged(user_id))
    server.recipient_answers.append("550 5.1.1 No such person")
    assert await run_platform(database, superuser, user_id) == ["dead"]
    assert await run_platform(database, superuser, user_id, 10 * LATER) == []
    (row,) = await log_of(superuser, user_id)
    assert (row["state"], row["error"]) == ("failed", "smtp_550_5.1.1")


async def test_somebody_disabled_gets_no_mail(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    user_id, _ = await make_user(database)
    async with platform_ctx(database) as ctx:
        ctx.emit(PasswordChanged(user_id))
    await superuser.execute("UPDATE tenancy_users SET disabled_at = now() WHERE id = $1", user_id)
    assert await run_platform(database, superuser, user_id) == ["done"]
    (row,) = await log_of(superuser, user_id)
    assert (row["state"], row["recipient"]) == ("suppressed", None)
    assert server.messages == []
