"""Worker, relay and web are killed at random for a minute while a shop is busy (reliability.md, promises 1, 3 and 4).

Nothing that was acknowledged is lost, nothing is done twice, and a mail comes twice only when the worker died between the mail
server's answer and its own commit: the answer was lost, and the Message-ID is the same.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter

import httpx
import pytest

from app.core.testing import extent
from app.core.testing.application import new_key
from app.modules.loyalty.tests.counter import API
from tests.faults.conftest import fresh_keys
from tests.faults.mail_shop import MailShop, outbox_id

pytestmark = [pytest.mark.faults, pytest.mark.slow]
TILLS, ENROLLERS = 3, 2
VERIFY = "import sys; from app.cli import main; sys.argv = ['orion', 'verify-ledger']; main()"
PAUSES = {"worker": (0.3, 2.0), "relay": (0.5, 3.0), "web": (2.0, 6.0)}
"""Seconds between a process's first sign of life and its death, from and to."""
MAIL_SECONDS = 0.15
"""How long the mail server takes to take a mail, and again to say so: most deaths come while mails are under way."""
IS_ALIVE = "bool_or(EXISTS (SELECT FROM core_heartbeats WHERE process LIKE $1))"
CARDS = "SELECT count(*) FROM loyalty_cards"
LOGGED = "SELECT count(*), count(DISTINCT outbox_id) FROM email_logs WHERE state = 'sent'"


class Chaos:
    """The busy shop, who kills, and until when."""

    def __init__(self, mail_shop: MailShop, source: random.Random) -> None:
        self.mail_shop, self.source = mail_shop, source
        self.open_shop, self.stack = mail_shop.open_shop, mail_shop.stack
        self.ends_at = 0.0
        self.kills: Counter[str] = Counter()
        self.keys: list[str] = []
        self.enrolled: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.ends_at

    async def run(self, *, seconds: float) -> None:
        """Start everything, work and kill until the time is up; then everybody finishes what they began."""
        for kind in PAUSES:
            await self.start(kind)
        self.ends_at = time.monotonic() + seconds
        work = [*(self.book() for _ in range(TILLS)), *(self.enroll() for _ in range(ENROLLERS))]
        async with asyncio.TaskGroup() as group:
            for activity in (*work, *(self.kill_again_and_again(kind) for kind in PAUSES)):
                group.create_task(activity)

    async def book(self) -> None:
        """A till: one purchase after the other, each asked for until it is acknowledged."""
        async with self.open_shop.client() as client:
            while not self.is_over:
                [key] = fresh_keys(1)
                self.keys.append(key)
                await self.open_shop.earn_until_done(client, key)

    async def enroll(self) -> None:
        """A counter: one new customer after the other, the same."""
        async with self.open_shop.client() as client:
            while not self.is_over:
                form, key = self.mail_shop.form(), new_key()
                while not await self.is_enrolled(client, form, key):
                    assert time.monotonic() < self.ends_at + 40
                    await asyncio.sleep(0.1)  # allow[sleep]: somebody who waits a moment before asking again
                self.enrolled.append(str(form["email"]))

    async def is_enrolled(self, client: httpx.AsyncClient, form: dict[str, object], key: str) -> bool:
        """Ask for a card; whether it was acknowledged."""
        try:
            answer = await client.post(f"{API}/enroll", json=form, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return False
        assert answer.status_code in (201, 503), answer.text
        return answer.status_code == 201

    async def kill_again_and_again(self, kind: str) -> None:
        """Kill the process of `kind` at a random moment and start another."""
        while not self.is_over:
            await asyncio.sleep(self.source.uniform(*PAUSES[kind]))  # allow[sleep]: the moment is the point
            self.stack.kill9(kind)
            self.kills[kind] += 1
            if kind == "worker":  # what it held, and the hints that it had taken from the broker, are free as after a minute
                await self.mail_shop.let_leases_pass()
                await self.mail_shop.let_hints_pass()
            await self.start(kind)

    async def start(self, kind: str) -> None:
        """Start a process of `kind` and wait until it serves, or gives its first sign of life."""
        if kind == "web":
            await asyncio.to_thread(self.open_shop.start_web)
            return
        self.stack.start(kind)
        name = f"{kind}:%:{self.stack.processes[kind].pid}"
        await self.mail_shop.wait(IS_ALIVE, name, seconds=60)

    async def settle(self) -> None:
        """Let all time pass: leases of the dead, hints that led to nothing, pauses between tries."""
        self.mail_shop.sink.seconds = 0.0
        await asyncio.to_thread(self.stack.stop, "worker")
        await self.mail_shop.let_leases_pass()
        await self.mail_shop.let_hints_pass()
        await self.start("worker")
        await self.mail_shop.wait_settled(seconds=120)


async def test_kills_at_random_lose_nothing_and_double_nothing(mail_shop: MailShop) -> None:
    source = extent.source_of("kills at random")
    chaos = Chaos(mail_shop, source)
    mail_shop.sink.seconds = MAIL_SECONDS
    waiting = await mail_shop.enroll(extent.times(short=150, full=2_000))
    await chaos.run(seconds=extent.times(short=12, full=60))
    await chaos.settle()

    messages = {row["id"]: row for row in await mail_shop.messages()}
    assert all(row["done_at"] is not None for row in messages.values()), [dict(row) for row in messages.values() if row["dead_at"]]
    twice = {outbox_id(name): count for name, count in mail_shop.sink.taken.items() if count > 1}
    assert set(chaos.kills) == set(PAUSES), chaos.kills
    assert sum(row["deaths"] for row in messages.values()) > 0
    everybody = await mail_shop.everybody()
    assert {*chaos.enrolled, *waiting} <= set(everybody)
    assert len(everybody) == len(chaos.enrolled) + len(waiting) + 1 == await mail_shop.pool.fetchval(CARDS)
    assert set(mail_shop.sink.recipients) == set(everybody), "nobody's mail is lost"
    assert {outbox_id(name) for name in mail_shop.sink.taken} <= set(messages), "every mail's Message-ID is its message's"
    assert len(mail_shop.sink.taken) == len(everybody), "a mail that came twice came with the same Message-ID"
    for message_id, count in twice.items():
        assert count <= messages[message_id]["deaths"] + 1, "a mail comes again only after its worker died"
    assert [tuple(row) for row in await mail_shop.pool.fetch(LOGGED)] == [(len(everybody), len(everybody))]
    await chaos.open_shop.assert_exactly(chaos.keys)
    verified = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", VERIFY], env=chaos.stack.environment, capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
