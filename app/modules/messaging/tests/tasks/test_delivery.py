"""Bounces, consent and the headers to unsubscribe, from the wish to the mail server and back (case 22; RFC 8058)."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core import clock
from app.core.config import Settings
from app.core.context import Ctx
from app.core.db.engine import Database
from app.core.testing.background import run_due
from app.core.testing.databases import DatabaseUrls
from app.modules.customers import public as customers
from app.modules.customers.tests.factories import make_customer
from app.modules.messaging.public import enqueue_mail, erase_customer
from app.modules.messaging.queries import delivery as queries
from app.modules.messaging.tasks.mail_tasks import send_mail
from app.modules.messaging.tests.optional_mails import NEWS, REMINDER, optional_mails
from app.modules.messaging.tests.postmark_server import TOKEN, PostmarkServer, postmark_server
from app.modules.messaging.tests.smtp_server import MailServer
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx

HANDLERS = {"messaging.send_mail": send_mail}
LOG = """SELECT customer_id, recipient, state, error, provider, provider_message_id, delivery FROM email_logs
         WHERE merchant_id = $1 ORDER BY id"""


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def mails(database_urls: DatabaseUrls, superuser: asyncpg.Connection, tmp_path: Path) -> AsyncIterator[None]:
    """A reminder and a marketing mail are there."""
    async with optional_mails(database_urls, superuser, tmp_path):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def postmark(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[PostmarkServer]:
    """Postmark, chosen by the settings."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    async with postmark_server() as running:
        settings.__dict__.pop("mail_api_token", None)  # another test's may have been read and kept
        monkeypatch.setattr(settings, "mail_provider", "postmark")
        monkeypatch.setattr(settings, "mail_api_url", running.url)
        monkeypatch.setattr(settings, "mail_api_token_file", token)
        monkeypatch.setattr(settings, "mail_from", "Orion <loyalty@orion.example>")
        yield running
    settings.__dict__.pop("mail_api_token", None)


async def ask(database: Database, merchant: MadeMerchant, customer_id: uuid.UUID, *templates: str) -> None:
    async with merchant_ctx(database, merchant) as ctx:
        for template in templates:
            enqueue_mail(ctx, template, customer_id=customer_id)


async def run(database: Database, merchant: MadeMerchant) -> list[str]:
    return sorted(str(outcome) for outcome in await run_due(database, merchant_id=merchant.id, now=clock.now(), handlers=HANDLERS))


async def choose(database: Database, merchant: MadeMerchant, act: Callable[[Ctx], Awaitable[object]]) -> None:
    async with merchant_ctx(database, merchant) as ctx:
        await act(ctx)


async def test_case_22_one_of_a_hundred_is_refused(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    """99 sent, 1 dead and suppressed; the next mail to that address is not even tried."""
    merchant = await make_merchant(database)
    people = [await make_customer(database, merchant) for _ in range(100)]
    gone = people[41]
    server.refused[str(gone.email)] = "550 5.1.1 User unknown"
    async with merchant_ctx(database, merchant) as ctx:
        for person in people:
            enqueue_mail(ctx, REMINDER, customer_id=person.id)
    assert await run(database, merchant) == ["dead"] + ["done"] * 99
    assert sorted(server.recipients) == sorted(str(person.email) for person in people if person is not gone)
    failed = [row for row in await superuser.fetch(LOG, merchant.id) if row["state"] != "sent"]
    assert [(row["customer_id"], row["state"], row["error"]) for row in failed] == [(gone.id, "failed", "smtp_550_5.1.1")]
    dead = await superuser.fetch("SELECT error FROM core_outbox WHERE merchant_id = $1 AND dead_at IS NOT NULL", merchant.id)
    assert [row["error"] for row in dead] == ["smtp_550_5.1.1"]
    assert await superuser.fetchval("SELECT count(*) FROM email_suppressions WHERE merchant_id = $1", merchant.id) == 1

    server.refused.clear()
    await ask(database, merchant, gone.id, REMINDER)
    assert await run(database, merchant) == ["done"]
    assert len(server.messages) == 99
    last = (await superuser.fetch(LOG, merchant.id))[-1]
    assert (last["state"], last["error"], last["recipient"]) == ("suppressed", "suppressed", gone.email)


async def test_consent_is_asked_when_the_mail_goes_out(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant, accepts_marketing=True)

    async def take_back(ctx: Ctx) -> None:
        await customers.record_consents(
            ctx, customer.id, text_version="1", source=customers.ConsentSource.PROFILE, locale="fr", marketing=False
        )
        await queries.set_opt_out(ctx, customer.id, "reminder", is_out=True)

    await ask(database, merchant, customer.id, NEWS, REMINDER)
    await choose(database, merchant, take_back)
    assert await run(database, merchant) == ["done", "done"]
    assert server.messages == []
    rows = await superuser.fetch(LOG, merchant.id)
    assert sorted((row["state"], row["error"]) for row in rows) == [("suppressed", "no_consent"), ("suppressed", "opted_out")]


async def test_mails_that_can_be_switched_off_say_how(
    client: httpx.AsyncClient, database: Database, server: MailServer, settings: Settings
) -> None:
    """The header's address, posted to as a mail reader does, unsubscribes; the one in the text leads to the page."""
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant, accepts_marketing=True)
    await ask(database, merchant, customer.id, NEWS, REMINDER)
    assert await run(database, merchant) == ["done", "done"]
    for mail in server.messages:
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        header = str(mail["List-Unsubscribe"])
        assert header.startswith(f"<{settings.base_url}/mail/unsubscribe/")
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None
        assert html is not None
        for link in (header[1:-1], f"{settings.base_url}/mail/preferences/"):
            assert link in text.get_content()
            assert link in html.get_content()
        page = await client.get(urlsplit(header[1:-1]).path, headers={"Accept": "text/html"})
        assert "<form" in page.text
        done = await client.post(urlsplit(header[1:-1]).path, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    await ask(database, merchant, customer.id, NEWS, REMINDER)
    await run(database, merchant)
    assert len(server.messages) == 2


async def test_the_whole_way_over_postmark_and_its_webhook(
    database: Database, superuser: asyncpg.Connection, postmark: PostmarkServer
) -> None:
    merchant = await make_merchant(database)
    customer, inactive = await make_customer(database, merchant, accepts_marketing=True), await make_customer(database, merchant)
    postmark.inactive.add(str(inactive.email))
    await ask(database, merchant, customer.id, NEWS)
    await ask(database, merchant, inactive.id, REMINDER)
    assert await run(database, merchant) == ["dead", "done"]
    rows = {row["customer_id"]: row for row in await superuser.fetch(LOG, merchant.id)}
    ((message_id, document),) = postmark.mails.items()
    sent, refused = rows[customer.id], rows[inactive.id]
    assert (sent["state"], sent["provider"], sent["provider_message_id"]) == ("sent", "postmark", message_id)
    assert (document["MessageStream"], document["To"]) == ("broadcast", customer.email)
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"} < {header["Name"] for header in document["Headers"]}
    assert (refused["state"], refused["error"]) == ("failed", "api_422_406")
    assert await superuser.fetchval("SELECT reason FROM email_suppressions WHERE merchant_id = $1", merchant.id) == "hard_bounce"


async def test_whoever_is_forgotten_leaves_nothing_behind(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    merchant = await make_merchant(database)
    customer, other = await make_customer(database, merchant), await make_customer(database, merchant)
    server.takes_but_answers.append(f"250 2.0.0 Ok: delivered to {customer.email}")
    for person in (customer, other):
        await ask(database, merchant, person.id, REMINDER)
        assert await run(database, merchant) == ["done"]

        async def opt_out(ctx: Ctx, person_id: uuid.UUID = person.id) -> None:
            await queries.set_opt_out(ctx, person_id, "reminder", is_out=True)

        await choose(database, merchant, opt_out)
    await ask(database, merchant, customer.id, REMINDER)
    async with merchant_ctx(database, merchant) as ctx:
        assert await erase_customer(ctx, customer.id, email=customer.email) == {"mails": 1, "mail_choices": 1, "bounces": 0}
        assert await erase_customer(ctx, uuid.uuid4(), email=None) == {"mails": 0, "mail_choices": 0, "bounces": 0}
    await superuser.execute(
        """UPDATE customers SET (first_name, last_name, first_name_search, last_name_search, email, email_normalized, anonymized_at) =
               (NULL, NULL, NULL, NULL, NULL, NULL, now()) WHERE id = $1""",
        customer.id,
    )
    assert await run(database, merchant) == ["done"]
    assert len(server.messages) == 2
    rows = await superuser.fetch(LOG, merchant.id)
    assert [(row["state"], row["error"]) for row in rows if row["customer_id"] == customer.id] == [("sent", None), ("suppressed", "erased")]
    assert [row["recipient"] for row in rows if row["customer_id"] == other.id] == [other.email]
    assert await superuser.fetchval("SELECT count(*) FROM email_opt_outs WHERE merchant_id = $1", merchant.id) == 1
    for table in ("email_logs", "email_opt_outs", "email_suppressions", "email_soft_bounces", "core_outbox"):
        for row in await superuser.fetch(f"SELECT t::text FROM {table} t WHERE merchant_id = $1", merchant.id):
            assert str(customer.email) not in row[0]
