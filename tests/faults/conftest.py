"""The platform as operators run it, with a shop that is open: for tests that break parts of it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core.config import get_settings
from app.core.credentials import TERMINAL_COOKIE
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.core.testing.application import BROWSER_HEADERS, new_key
from app.core.testing.processes import Stack, wait_for
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.tests.counter import API, Shop, make_card, make_shop

if TYPE_CHECKING:
    from tests.faults.mail_shop import MailShop

WEB_COMMAND = "import sys; from app.cli import main; sys.argv = ['orion', 'web', '--port', '{port}', '--workers', '{workers}']; main()"


class OpenShop:
    """A shop in the stack's database, one card, and what a till says to a web process."""

    def __init__(self, stack: Stack, shop: Shop, card: Card) -> None:
        self.stack, self.shop, self.card = stack, shop, card
        self.port = stack.port

    def start_web(self, name: str = "web", *, port: int | None = None, workers: int = 2) -> None:
        """Run `orion web` and wait until it is ready."""
        at = port or self.stack.port
        self.stack.spawn(name, WEB_COMMAND.format(port=at, workers=workers))
        wait_for(lambda: is_ready(at), what=f"{name} ready; log: {self.stack.log_of(name)}")

    def client(self, *, port: int | None = None) -> httpx.AsyncClient:
        """Return a till: it is patient, and sends the terminal's cookie."""
        headers = BROWSER_HEADERS | {"Cookie": f"{TERMINAL_COOKIE}={self.shop.counter.token}"}
        limits = httpx.Limits(max_connections=200)
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port or self.port}", headers=headers, timeout=20, limits=limits)

    async def earn(self, client: httpx.AsyncClient, key: str) -> httpx.Response:
        """Book a purchase of one euro: one point."""
        body = {"card_id": str(self.card.id), "amount_cents": 100}
        return await client.post(f"{API}/points/earn", json=body, headers={"Idempotency-Key": key})

    async def earn_until_done(self, client: httpx.AsyncClient, key: str, *, seconds: float = 40) -> list[int]:
        """Book it, again and again with the same key until it is acknowledged; return the statuses (0: no answer)."""
        statuses: list[int] = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                answer = await self.earn(client, key)
            except httpx.TransportError:
                statuses.append(0)
            else:
                statuses.append(answer.status_code)
                if answer.status_code == 200:
                    return statuses
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["retry-after"]) > 0
            await asyncio.sleep(0.1)  # allow[sleep]: a till that waits a moment before it tries again
        raise AssertionError(f"not acknowledged within {seconds} s: {statuses}")

    async def earn_each(self, keys: list[str], *, clients: int = 8) -> list[int]:
        """Book one purchase per key from several tills at once; return all statuses."""
        waiting, statuses = list(keys), []

        async def till() -> None:
            async with self.client() as client:
                while waiting:
                    statuses.extend(await self.earn_until_done(client, waiting.pop()))

        await asyncio.gather(*(till() for _ in range(clients)))
        return statuses

    async def assert_exactly(self, keys: list[str]) -> None:
        """Every key has one row, there is no other row, and the balance is their sum."""
        conn = await asyncpg.connect(self.stack.urls.superuser)
        try:
            rows = await conn.fetch("SELECT op_key, points_delta FROM loyalty_transactions WHERE card_id = $1", self.card.id)
            balance = await conn.fetchval("SELECT points_balance FROM loyalty_cards WHERE id = $1", self.card.id)
        finally:
            await conn.close()
        assert sorted(row["op_key"] for row in rows) == sorted(f"key:{key}" for key in keys)
        assert balance == sum(row["points_delta"] for row in rows) == len(keys)


def is_ready(port: int) -> bool:
    """Whether a web process at `port` says that it can serve."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def postgres_pids(stack: Stack) -> list[int]:
    """Return the process numbers of the database server and of everything it has started."""
    assert stack.postgres is not None
    return [stack.postgres.process.pid, *stack.children(stack.postgres.process.pid)]


def send_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each of our own processes `pids`."""
    for pid in pids:
        os.kill(pid, number)


@pytest_asyncio.fixture(loop_scope="session")
async def open_shop(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenShop]:
    """A shop in the database of the stack; its web processes are started by the test."""
    for name, value in stack.environment.items():
        if name.startswith("ORION_"):
            monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    load_modules()  # who hears of events, also in this process
    database = Database.from_settings(get_settings())
    try:
        shop = await make_shop(database)
        yield OpenShop(stack, shop, await make_card(database, shop))
    finally:
        await database.dispose()
        get_settings.cache_clear()


@pytest_asyncio.fixture(loop_scope="session")
async def mail_shop(open_shop: OpenShop) -> AsyncIterator["MailShop"]:
    """The shop with a mail server; relay and workers are started by the test."""
    from tests.faults.mail_shop import MailShop
    from tests.faults.mail_sink import running_sink

    database = Database.from_settings(get_settings())
    try:
        async with asyncpg.create_pool(open_shop.stack.urls.superuser, min_size=1) as pool, running_sink() as sink:
            open_shop.stack.environment["ORION_SMTP_URL"] = sink.url
            yield MailShop(open_shop, database, pool, sink)
    finally:
        await database.dispose()


def fresh_keys(count: int) -> list[str]:
    """Return keys that nobody has used."""
    return [new_key() for _ in range(count)]
