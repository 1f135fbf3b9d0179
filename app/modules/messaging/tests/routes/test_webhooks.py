"""The webhook that Postmark calls, over HTTP: who may call it, and what becomes of addresses."""

import asyncio
import base64
import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.ids import new_id
from app.core.testing.application import write_key
from app.core.web.middleware import Gate
from app.modules.customers.tests.factories import fresh_email
from app.modules.messaging.domain.postmark import read_event
from app.modules.messaging.services.delivery_gate import find_obstacle
from app.modules.tenancy.tests.factories import MadeMerchant, make_merchant, merchant_ctx, platform_ctx

PATH = "/api/v1/webhooks/mail/postmark"
LOG = """
INSERT INTO email_logs (merchant_id, id, outbox_id, template, locale, recipient, state, attempts, created_at, sent_at, provider,
                        provider_message_id)
VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', $2, 'sent', 1, $4, $4, 'postmark', $3)
"""


@pytest.fixture
def secret(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The webhook's password, as the settings' file holds it."""
    path = write_key(tmp_path / "webhook")
    monkeypatch.setattr(settings, "mail_webhook_secret_file", path)
    monkeypatch.delitem(settings.__dict__, "mail_webhook_secret", raising=False)
    yield path.read_text().strip()
    settings.__dict__.pop("mail_webhook_secret", None)


@pytest_asyncio.fixture(loop_scope="session")
async def postmark(api: Gate, secret: str) -> AsyncIterator[httpx.AsyncClient]:
    """Postmark with the password in its address, as its set-up page has it."""
    transport = httpx.ASGITransport(app=api, client=("3.134.147.250", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", auth=("orion", secret)) as opened:
        yield opened


def make_event(message_id: str, record_type: str = "Bounce", bounce_type: str = "HardBounce", **more: Any) -> dict[str, Any]:
    """An event with the fields that Postmark's pages show."""
    event = {
        "RecordType": record_type, "MessageStream": "outbound", "ID": 692560173, "Type": bounce_type, "TypeCode": 1, "Name": "Hard bounce",
        "Tag": "", "MessageID": message_id, "Metadata": {"a_key": "a_value"}, "ServerID": 23, "Description": "The server was unable …",
        "Details": "action: failed\r\n", "Email": "somebody.else@example.lu", "From": "loyalty@orion.example",
        "BouncedAt": "2026-11-23T10:15:00.0000000Z", "DumpAvailable": True, "Inactive": False, "CanActivate": True, "Subject": "Moien",
    }  # fmt: skip
    return event | more


async def sent_mail(superuser: asyncpg.Connection, merchant: MadeMerchant | None, email: str | None) -> str:
    """A mail in the log that Postmark has taken; return its MessageID there."""
    message_id = str(uuid.uuid4())
    await superuser.execute(LOG, merchant.id if merchant else None, email, message_id, clock.now() - dt.timedelta(minutes=1))
    return message_id


async def delivery_of(superuser: asyncpg.Connection, message_id: str) -> str | None:
    found: str | None = await superuser.fetchval("SELECT delivery FROM email_logs WHERE provider_message_id = $1", message_id)
    return found


async def obstacle(database: Database, merchant: MadeMerchant, email: str) -> str | None:
    async with merchant_ctx(database, merchant) as ctx:
        return await find_obstacle(ctx, recipient=email, customer_id=None, category="service")


async def test_nobody_gets_in_without_the_password(
    client: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection, secret: str
) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    message_id = await sent_mail(superuser, merchant, email)
    wrong = base64.b64encode(f"orion:{secret[:-1]}".encode()).decode()
    right = base64.b64encode(f"orion:{secret}".encode()).decode()
    for authorization in (
        None, "", "Basic", "Basic ", f"Basic {wrong}", "Basic %%%", f"Bearer {secret}", f"Bearer {right}", f"Basic {secret}",
        "Basic " + base64.b64encode(b"orion:").decode(), "Basic " + base64.b64encode(b"orion").decode(),
        "Basic " + base64.b64encode("orion:é".encode()).decode(),
    ):  # fmt: skip
        for body in (make_event(message_id), {"nonsense": 1}):
            answer = await client.post(PATH, json=body, headers={"Authorization": authorization} if authorization is not None else {})
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), authorization
    signed_in = await client.post(PATH, json=make_event(message_id), headers={"Cookie": f"orion_session={merchant.owner.token}"})
    assert signed_in.status_code == 401
    assert await delivery_of(superuser, message_id) is None
    assert await obstacle(database, merchant, email) is None


async def test_without_a_set_up_there_is_no_webhook(client: httpx.AsyncClient) -> None:
    for path in (PATH, "/api/v1/webhooks/mail/mailgun"):
        answer = await client.post(path, json=make_event("x"), auth=("orion", ""))
        assert answer.status_code == 404


async def test_a_hard_bounce_suppresses_the_address_once(
    postmark: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    merchant, other, email = await make_merchant(database), await make_merchant(database), fresh_email()
    message_id = await sent_mail(superuser, merchant, email)
    for is_new in (True, False):
        answer = await postmark.post(PATH, json=make_event(message_id))
        assert (answer.status_code, answer.json()) == (200, {"is_new": is_new})
    assert await delivery_of(superuser, message_id) == "hard_bounce"
    assert await obstacle(database, merchant, email) == "suppressed"
    assert await obstacle(database, merchant, "somebody.else@example.lu") is None  # the log counts, not what the event says
    assert await obstacle(database, other, email) is None
    assert await superuser.fetchval("SELECT count(*) FROM email_suppressions WHERE merchant_id = $1", merchant.id) == 1


async def test_the_same_event_ten_times_at_once_counts_once(
    postmark: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    message_id = await sent_mail(superuser, merchant, email)
    event = make_event(message_id, bounce_type="SoftBounce")
    answers = await asyncio.gather(*(postmark.post(PATH, json=event) for _ in range(10)))
    assert sorted(answer.json()["is_new"] for answer in answers) == [False] * 9 + [True]
    assert await superuser.fetchval("SELECT count(*) FROM email_soft_bounces WHERE merchant_id = $1", merchant.id) == 1


async def test_three_soft_bounces_pause(postmark: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    for kind, expected in (("SoftBounce", None), ("Transient", None), ("DnsError", "paused")):
        message_id = await sent_mail(superuser, merchant, email)
        for _ in range(2):
            await postmark.post(PATH, json=make_event(message_id, bounce_type=kind))
        assert await delivery_of(superuser, message_id) == "soft_bounce"
        assert await obstacle(database, merchant, email) == expected


async def test_a_complaint_suppresses_and_a_late_delivery_changes_nothing(
    postmark: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    message_id = await sent_mail(superuser, merchant, email)
    for event, delivery in (
        (make_event(message_id, "Delivery", ""), "delivered"),
        (make_event(message_id, "SpamComplaint", "SpamComplaint"), "complaint"),
        (make_event(message_id, "Delivery", ""), "complaint"),
        (make_event(message_id, "Bounce", "HardBounce"), "complaint"),
    ):
        assert (await postmark.post(PATH, json=event)).status_code == 200
        assert await delivery_of(superuser, message_id) == delivery
    assert await obstacle(database, merchant, email) == "suppressed"
    assert await superuser.fetchval("SELECT reason FROM email_suppressions WHERE merchant_id = $1", merchant.id) == "complaint"


async def test_mails_of_the_platform_have_a_list_of_their_own(
    postmark: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    assert (await postmark.post(PATH, json=make_event(await sent_mail(superuser, None, email)))).json() == {"is_new": True}
    async with platform_ctx(database) as ctx:
        assert await find_obstacle(ctx, recipient=email, customer_id=None, category="service") == "suppressed"
    assert await obstacle(database, merchant, email) is None


async def test_what_concerns_no_mail_of_ours_is_answered_and_ignored(
    postmark: httpx.AsyncClient, database: Database, superuser: asyncpg.Connection
) -> None:
    merchant, email = await make_merchant(database), fresh_email()
    message_id = await sent_mail(superuser, merchant, email)
    await superuser.execute("UPDATE email_logs SET provider = 'smtp' WHERE merchant_id = $1", merchant.id)
    erased = await sent_mail(superuser, merchant, None)
    for event, is_new in (
        (make_event(str(new_id())), False),
        (make_event(""), False),
        (make_event(message_id), False),
        (make_event(message_id, "Open", ""), False),
        (make_event(message_id, "Bounce", "AutoResponder"), False),
        (make_event(message_id, "NewInTheFuture", ""), False),
        (make_event(erased), True),
    ):
        answer = await postmark.post(PATH, json=event)
        assert (answer.status_code, answer.json()) == (200, {"is_new": is_new})
    assert await superuser.fetchval("SELECT count(*) FROM email_suppressions WHERE merchant_id = $1", merchant.id) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ([], 422),
        ({"RecordType": 5}, 422),
        ({"RecordType": "Bounce", "MessageID": "x\x00"}, 422),
        ({"RecordType": "Bounce", "MessageID": "\ud800"}, 422),
        ({"RecordType": "Bounce", "MessageID": "x" * 101}, 422),
        ({"RecordType": "Bounce", "MessageID": None}, 422),
    ],
)
async def test_odd_documents_are_refused(postmark: httpx.AsyncClient, body: Any, status: int) -> None:
    answer = await postmark.post(PATH, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("record_type", "bounce_type", "is_inactive", "meaning"),
    [
        ("Delivery", "", False, "delivered"),
        ("Bounce", "BadEmailAddress", False, "hard_bounce"),
        ("Bounce", "SpamNotification", True, "hard_bounce"),
        ("Bounce", "Blocked", False, "soft_bounce"),
        ("Bounce", "SpamComplaint", True, "complaint"),
        ("Bounce", "ChallengeVerification", False, None),
        ("SubscriptionChange", "", False, None),
        ("Click", "HardBounce", False, None),
    ],
)
def test_what_events_mean(record_type: str, bounce_type: str, is_inactive: bool, meaning: str | None) -> None:
    assert read_event(record_type, bounce_type, is_inactive=is_inactive) == meaning
