"""From the transaction that asks for a mail to the mail: through the real outbox, runner and SMTP."""

import datetime as dt
from collections.abc import Iterator

import asyncpg
import pytest

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.i18n.locale import LOCALES
from app.core.ids import new_id
from app.core.testing.background import run_due
from app.modules.customers import public as customers
from app.modules.customers.tests.factories import make_customer
from app.modules.messaging.errors import UnknownTemplateException
from app.modules.messaging.public import enqueue_mail
from app.modules.messaging.tasks.mail_tasks import send_mail
from app.modules.messaging.tests import contents
from app.modules.messaging.tests.smtp_server import MailServer
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx

HANDLERS = {"messaging.send_mail": send_mail}
LATER = dt.timedelta(hours=12)


@pytest.fixture(autouse=True)
def templates() -> Iterator[None]:
    """Enrollment and sign-in are registered."""
    contents.SEEN.clear()
    with contents.registered("loyalty_enrollment", "give_enrollment"), contents.registered("customer_sign_in", "give_sign_in"):
        yield


async def ask(
    database: Database, merchant: MadeMerchant, template: str = "loyalty_enrollment", **values: object
) -> customers.CustomerRecord:
    """Make a customer and ask for a mail to them."""
    language = str(values.pop("customer_locale", "fr"))
    customer = await make_customer(database, merchant, locale=language)
    async with merchant_ctx(database, merchant) as ctx:
        enqueue_mail(ctx, template, customer_id=customer.id, **values)  # type: ignore[arg-type]
    return customer


async def run(database: Database, merchant: MadeMerchant, after: dt.timedelta = dt.timedelta()) -> list[str]:
    return [str(outcome) for outcome in await run_due(database, merchant_id=merchant.id, now=clock.now() + after, handlers=HANDLERS)]


async def log_of(superuser: asyncpg.Connection, merchant: MadeMerchant) -> list[asyncpg.Record]:
    return list(await superuser.fetch("SELECT * FROM email_logs WHERE merchant_id = $1 ORDER BY id", merchant.id))


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_mail_arrives_in_the_customers_language(
    database: Database, superuser: asyncpg.Connection, server: MailServer, locale: str
) -> None:
    merchant = await make_merchant(database, name="Bäckerei Käppchen")
    card_id = new_id()
    customer = await ask(database, merchant, customer_locale=locale, card_id=card_id, store_id=merchant.store.id)
    assert await run(database, merchant) == ["done"]
    (mail,) = server.messages
    assert mail["Content-Language"] == locale
    assert mail["To"] == customer.email
    assert mail["From"].addresses[0].display_name == "Bäckerei Käppchen"
    text = mail.get_body(("plain",))
    assert text is not None
    greeting = {"en": "Hello Léa,", "fr": "Bonjour Léa,", "de": "Guten Tag Léa,", "lb": "Moien Léa,"}[locale]
    assert greeting in text.get_content()
    assert "1, rue du Fort, L-1234 Luxembourg" in text.get_content()
    (row,) = await log_of(superuser, merchant)
    outbox_id = await superuser.fetchval("SELECT id FROM core_outbox WHERE merchant_id = $1", merchant.id)
    assert (row["state"], row["attempts"], row["locale"], row["recipient"]) == ("sent", 1, locale, customer.email)
    assert (row["template"], row["customer_id"], row["outbox_id"]) == ("loyalty_enrollment", customer.id, outbox_id)
    assert (row["provider"], row["provider_message_id"], row["error"]) == ("smtp", "2.0.0 Ok: queued as 4F2A", None)
    assert mail["Message-ID"] == f"<{outbox_id}@orion.example>"
    assert [
        {"message_id": outbox_id, "locale": locale, "customer_id": customer.id, "store_id": merchant.store.id, "card_id": card_id}
    ] == contents.SEEN


async def test_the_pages_language_beats_the_customers(database: Database, server: MailServer) -> None:
    merchant = await make_merchant(database)
    await ask(database, merchant, customer_locale="fr", locale="lb")
    await run(database, merchant)
    assert server.messages[0]["Content-Language"] == "lb"


async def test_only_ids_lie_in_the_outbox(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    merchant = await make_merchant(database)
    customer = await ask(database, merchant, "customer_sign_in", store_id=merchant.store.id)
    row = await superuser.fetchrow("SELECT task, payload FROM core_outbox WHERE merchant_id = $1", merchant.id)
    assert row is not None
    assert row["task"] == "messaging.send_mail"
    assert row["payload"] == {"template": "customer_sign_in", "customer_id": str(customer.id), "store_id": str(merchant.store.id)}


async def test_a_temporary_failure_is_tried_again_with_the_same_message_id(
    database: Database, superuser: asyncpg.Connection, server: MailServer
) -> None:
    merchant = await make_merchant(database)
    await ask(database, merchant)
    server.recipient_answers.append("451 4.3.0 Try later")
    server.content_answers.append("452 4.3.1 Disk full")
    server.takes_but_answers.append("451 4.3.0 Lost my memory")
    assert await run(database, merchant) == ["retried"]
    (row,) = await log_of(superuser, merchant)
    assert (row["state"], row["attempts"], row["error"], row["sent_at"]) == ("queued", 1, "smtp_451_4.3.0", None)
    assert await run(database, merchant) == []
    assert await run(database, merchant, LATER) == ["retried"]
    assert await run(database, merchant, 2 * LATER) == ["retried"]
    assert await run(database, merchant, 3 * LATER) == ["done"]
    (row,) = await log_of(superuser, merchant)
    assert (row["state"], row["attempts"], row["error"]) == ("sent", 4, None)
    # The server took the third try and then said it had not: the one case in which a mail comes twice, recognisable as one.
    assert len({mail["Message-ID"] for mail in server.messages}) == 1
    assert len(server.messages) == 2


async def test_a_refused_recipient_is_given_up(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    merchant = await make_merchant(database)
    await ask(database, merchant)
    await ask(database, merchant)
    server.recipient_answers.append("550 5.1.1 No such person")
    assert sorted(await run(database, merchant)) == ["dead", "done"]
    rows = await log_of(superuser, merchant)
    assert sorted((row["state"], row["error"]) for row in rows) == [("failed", "smtp_550_5.1.1"), ("sent", None)]
    assert await run(database, merchant, 10 * LATER) == []
    reason = await superuser.fetchval("SELECT error FROM core_outbox WHERE merchant_id = $1 AND dead_at IS NOT NULL", merchant.id)
    assert reason == "smtp_550_5.1.1"


async def test_a_message_that_was_sent_is_not_sent_again(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    merchant = await make_merchant(database)
    await ask(database, merchant)
    assert await run(database, merchant) == ["done"]
    await superuser.execute("UPDATE core_outbox SET done_at = NULL WHERE merchant_id = $1", merchant.id)
    assert await run(database, merchant) == ["done"]
    assert len(server.messages) == 1
    assert [row["attempts"] for row in await log_of(superuser, merchant)] == [1]


async def test_no_mail_server_loses_no_mail(
    database: Database, superuser: asyncpg.Connection, server: MailServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await make_merchant(database)
    await ask(database, merchant)
    with monkeypatch.context() as patch:
        patch.setattr(settings, "smtp_url", None)
        assert await run(database, merchant) == ["retried"]
        assert (await log_of(superuser, merchant))[0]["error"] == "smtp_not_configured"
    assert await run(database, merchant, LATER) == ["done"]
    assert len(server.messages) == 1


async def test_every_try_of_a_sign_in_mail_carries_a_link_that_works_once(database: Database, server: MailServer) -> None:
    merchant = await make_merchant(database)
    customer = await ask(database, merchant, "customer_sign_in")
    server.takes_but_answers.append("451 4.3.0 Lost my memory")
    assert await run(database, merchant) == ["retried"]
    assert await run(database, merchant, LATER) == ["done"]
    links = []
    for mail in server.messages:
        body = mail.get_body(("plain",))
        assert body is not None
        links.append(next(line for line in body.get_content().splitlines() if line.startswith("https://")))
    assert links[0] == links[1]
    async with merchant_ctx(database, merchant, now=clock.now() + LATER) as ctx:
        assert await customers.use_login_link(ctx, links[0].rpartition("/")[2]) == customer.id


async def test_an_erased_customer_gets_no_mail(database: Database, superuser: asyncpg.Connection, server: MailServer) -> None:
    merchant = await make_merchant(database)
    customer = await ask(database, merchant)
    await superuser.execute(
        """UPDATE customers SET (first_name, last_name, first_name_search, last_name_search, email, email_normalized, anonymized_at) =
               (NULL, NULL, NULL, NULL, NULL, NULL, now()) WHERE id = $1""",
        customer.id,
    )
    assert await run(database, merchant) == ["done"]
    (row,) = await log_of(superuser, merchant)
    assert (row["state"], row["error"], row["recipient"]) == ("suppressed", "erased", None)
    assert server.messages == []


async def test_values_that_do_not_fit_are_an_error_somebody_sees(
    database: Database, superuser: asyncpg.Connection, server: MailServer
) -> None:
    merchant = await make_merchant(database)
    with contents.registered("loyalty_card_link", "give_wrong"):
        await ask(database, merchant, "loyalty_card_link")
        assert await run(database, merchant) == ["retried"]
    assert await superuser.fetchval("SELECT error FROM core_outbox WHERE merchant_id = $1", merchant.id) == "template_variable"
    assert server.messages == []


async def test_a_mail_nobody_registered_cannot_be_asked_for(database: Database) -> None:
    merchant = await make_merchant(database)
    with pytest.raises(UnknownTemplateException):
        await ask(database, merchant, "no_such_template")


async def test_nobody_is_written_to_for_a_merchant_in_the_trash(
    database: Database, superuser: asyncpg.Connection, server: MailServer
) -> None:
    merchant = await make_merchant(database)
    await ask(database, merchant)
    await superuser.execute("UPDATE tenancy_merchants SET deleted_at = now() WHERE id = $1", merchant.id)
    assert await run(database, merchant) == ["done"]
    [row] = await log_of(superuser, merchant)
    assert (row["state"], row["error"]) == ("suppressed", "merchant_in_trash")
    assert server.messages == []
