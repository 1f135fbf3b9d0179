"""A mail server that the settings name, and what arrived there."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.core import clock
from app.core.config import Settings
from app.core.context import Ctx
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.modules.customers import public as customers
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, make_card
from app.modules.messaging.tests.factories import MailServer, chosen_mail_server
from app.modules.tenancy.tests.factories import merchant_ctx

WorkerOnce = Callable[..., Awaitable[list[Any]]]

LOGS = "SELECT template, locale, state, error, attempts FROM email_logs WHERE merchant_id = $1 ORDER BY created_at, id"


@pytest.fixture(autouse=True, scope="session")
def modules() -> None:
    """Events have their subscribers, as in every process."""
    load_modules()


@pytest_asyncio.fixture(loop_scope="session")
async def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    """A mail server that the settings name."""
    async with chosen_mail_server(settings, monkeypatch) as running:
        yield running


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """A card as the functions of the notification service ask for it."""

    id: uuid.UUID
    customer_id: uuid.UUID | None
    enrolled_at_store_id: uuid.UUID

    @classmethod
    def of(cls, card: MadeCard) -> "Holder":
        return cls(card.id, card.customer_id, card.store_id)


@dataclasses.dataclass(frozen=True, slots=True)
class Post:
    """Asking for mails of a shop and sending them, at any instant."""

    database: Database
    superuser: asyncpg.Connection
    worker: WorkerOnce

    async def ask(self, shop: MadeShop, act: Callable[[Ctx], object], *, now: dt.datetime | None = None) -> None:
        """Run `act` in a unit of work of the shop."""
        async with merchant_ctx(self.database, shop.merchant, now=now) as ctx:
            act(ctx)

    async def send(self, shop: MadeShop, *, now: dt.datetime | None = None) -> list[str]:
        """Do what is due; return the outcomes."""
        return [str(outcome) for outcome in await self.worker(merchant_id=shop.merchant.id, now=now or clock.now())]

    async def logs(self, shop: MadeShop) -> list[tuple[Any, ...]]:
        """Return template, state and error of every mail of the shop, in order."""
        return [(row["template"], row["state"], row["error"]) for row in await self.superuser.fetch(LOGS, shop.merchant.id)]

    async def forget(self, shop: MadeShop) -> None:
        """Drop what waits, so that a test sees only the mails it asks for."""
        await self.superuser.execute("DELETE FROM core_outbox WHERE merchant_id = $1", shop.merchant.id)

    async def holder(self, shop: MadeShop, *, now: dt.datetime | None = None, marketing: bool = True, **options: Any) -> MadeCard:
        """Give somebody a card of the shop, and drop the mails that this causes."""
        card = await make_card(self.database, shop.merchant, now=now, **options)
        if marketing:
            await self.consent(shop, card.customer_id, now=now)
        await self.forget(shop)
        return card

    async def consent(self, shop: MadeShop, customer_id: uuid.UUID, *, now: dt.datetime | None = None) -> None:
        """Let the customer agree to marketing mails."""
        async with merchant_ctx(self.database, shop.merchant, now=now) as ctx:
            await customers.record_consents(
                ctx, customer_id, text_version="1", source=customers.ConsentSource.STOREFRONT, locale="en", marketing=True
            )


@pytest.fixture
def post(database: Database, superuser: asyncpg.Connection, worker_once: WorkerOnce) -> Post:
    """Asking for mails and sending them."""
    return Post(database, superuser, worker_once)


def text_of(mail: EmailMessage) -> str:
    """Return the plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html_of(mail: EmailMessage) -> str:
    """Return the HTML of a mail."""
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())
