"""An open shop whose customers get mails: real relay and worker, a real mail server, and what became of every mail."""

import uuid
from collections.abc import Iterable

import asyncpg

from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db.engine import Database
from app.core.testing.waiting import until
from app.modules.loyalty.services import notification_service
from app.modules.loyalty.tests.counter import Shop, applicant, make_card
from tests.faults.conftest import OpenShop
from tests.faults.mail_sink import MailSink

# Time passes: pauses after failed tries are over.
LET_PAUSES_PASS = """
UPDATE core_outbox SET available_at = now() WHERE done_at IS NULL AND dead_at IS NULL AND lease_until IS NULL AND available_at > now()
"""
# Hints that led to nothing are given again.
LET_HINTS_PASS = """
UPDATE core_outbox SET sweep_at = NULL WHERE done_at IS NULL AND dead_at IS NULL AND lease_until IS NULL AND sweep_at IS NOT NULL
"""
# The only worker is dead: what it held is free as after a minute.
LET_LEASES_PASS = """
UPDATE core_outbox SET lease_until = now(), sweep_at = now() WHERE done_at IS NULL AND dead_at IS NULL AND lease_until IS NOT NULL
"""
MESSAGES = "SELECT id, task, attempts, deaths, error, done_at, dead_at FROM core_outbox"


class MailShop:
    """The shop's database, mail server and outbox."""

    def __init__(self, open_shop: OpenShop, database: Database, pool: asyncpg.Pool, sink: MailSink) -> None:
        self.open_shop, self.database, self.pool, self.sink = open_shop, database, pool, sink
        self.stack = open_shop.stack

    @property
    def shop(self) -> Shop:
        """The merchant, its program and counters."""
        return self.open_shop.shop

    async def everybody(self) -> list[str]:
        """Return the addresses of all customers."""
        return [row["email"] for row in await self.pool.fetch("SELECT email FROM customers ORDER BY email")]

    async def enroll(self, count: int) -> list[str]:
        """Enroll `count` customers, each of whom is to get one mail; return their addresses."""
        people = [applicant() for _ in range(count)]
        for person in people:
            await make_card(self.database, self.shop, person=person)
        return [str(person.email) for person in people]

    @staticmethod
    def form() -> dict[str, object]:
        """Return what somebody new answers at the counter."""
        return {
            "first_name": "Anouk", "last_name": "Thill", "email": f"anouk-{uuid.uuid4().hex}@example.lu", "phone": None,
            "birth_date": None, "locale": "lb", "has_accepted_terms": True, "wants_marketing": False,
        }  # fmt: skip

    async def mail_card_link(self, address: str) -> None:
        """Queue another mail to the customer with `address`."""
        async with unit_of_work(self.database, Principal(SYSTEM, self.shop.id)) as ctx:
            card = await ctx.conn.fetchrow(
                "SELECT c.id, c.customer_id, c.enrolled_at_store_id FROM loyalty_cards c"
                " JOIN customers p ON p.merchant_id = c.merchant_id AND p.id = c.customer_id WHERE p.email = $1",
                address,
            )
            assert card is not None
            notification_service.send_card_link(
                ctx, card_id=card["id"], customer_id=card["customer_id"], store_id=card["enrolled_at_store_id"]
            )

    async def let_pauses_pass(self) -> None:
        """Let the pauses between tries pass."""
        await self.pool.execute(LET_PAUSES_PASS)

    async def let_hints_pass(self) -> None:
        """Let the time pass after which a hint is given again."""
        await self.pool.execute(LET_HINTS_PASS)

    async def let_leases_pass(self) -> None:
        """Let the leases of the only worker, which is dead, run out."""
        await self.pool.execute(LET_LEASES_PASS)

    async def messages(self) -> list[asyncpg.Record]:
        """Return what became of every message."""
        return await self.pool.fetch(MESSAGES)

    async def wait(self, condition: str, *arguments: object, seconds: float = 40, passing: bool = False) -> None:
        """Wait until the SQL expression `condition` over core_outbox is true; with `passing`, pauses pass meanwhile."""

        async def is_so() -> object:
            if passing:
                await self.let_pauses_pass()
            return await self.pool.fetchval(f"SELECT {condition} FROM core_outbox", *arguments)

        try:
            await until(is_so, seconds=seconds, every=0.2)
        except TimeoutError:
            left = [dict(row) for row in await self.messages() if row["done_at"] is None][:5]
            logs = {name: self.stack.log_of(name)[-800:] for name in self.stack.processes}
            raise AssertionError(f"not within {seconds} s: {condition}; {left}; {logs}") from None

    async def wait_settled(self, *, seconds: float = 60) -> None:
        """Wait until every message is done or dead, while pauses pass."""
        await self.wait("bool_and(done_at IS NOT NULL OR dead_at IS NOT NULL)", seconds=seconds, passing=True)

    async def assert_mailed_once(self, addresses: Iterable[str]) -> None:
        """Each address got one mail and nobody else any, none came twice, and the log of mails says the same."""
        wanted = sorted(addresses)
        assert sorted(self.sink.recipients.elements()) == wanted
        assert set(self.sink.taken.values()) == {1}
        sent = await self.pool.fetch("SELECT recipient FROM email_logs WHERE state = 'sent' ORDER BY recipient")
        assert [row["recipient"] for row in sent] == wanted


def outbox_id(message_id: str) -> uuid.UUID:
    """Return the outbox row's id that a Message-ID holds."""
    return uuid.UUID(message_id.removeprefix("<").partition("@")[0])
