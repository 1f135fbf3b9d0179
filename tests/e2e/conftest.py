"""The whole platform for browser tests: real processes, a real database, Chromium.

Tests arrange through `arrange(coroutine)`, with the factories of the modules and `site.database`:

    shop = arrange(make_shop(site.database))
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext

from app.core import config, mailbox
from app.core.config import get_settings
from app.core.db.engine import Database
from app.core.testing.processes import Stack, running_stack, wait_for
from app.ops.mailbox import serve_mailbox
from tests.e2e.kit_browser import chromium

Answer = TypeVar("Answer")
Arrange = Callable[[Coroutine[Any, Any, Answer]], Answer]


@dataclass(frozen=True, slots=True)
class Site:
    """The running platform: its address, its processes, and a database for arranging and asserting."""

    url: str
    stack: Stack
    database: Database
    mailbox_dir: Path

    def wait_for_mail(self, recipient: str, *, with_text: str = "") -> mailbox.Mail:
        """Return the newest mail to `recipient` whose plain text has `with_text`, once the worker has sent it."""
        found: list[mailbox.Mail] = []

        def has_come() -> bool:
            mails = (mailbox.read_mail(item.id, directory=self.mailbox_dir) for item in mailbox.list_mails(50, directory=self.mailbox_dir))
            found.extend(mail for mail in mails if recipient in mail.recipients and with_text in mail.text)
            return bool(found)

        wait_for(has_come, what=f"a mail to {recipient}")
        return found[0]


FAREWELL_SECONDS = 10.0
"""How long the mailbox waits for its clients to hang up."""


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One event loop in a thread of its own, for everything asynchronous: Playwright occupies the main thread's."""
    opened = asyncio.new_event_loop()
    thread = threading.Thread(target=opened.run_forever, name="arranging", daemon=True)
    thread.start()
    yield opened
    opened.call_soon_threadsafe(opened.stop)
    thread.join(timeout=10)
    opened.close()


@pytest.fixture(scope="session")
def arrange(loop: asyncio.AbstractEventLoop) -> Arrange[Any]:
    """Run a coroutine to its end and return its answer."""

    def run(work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=60)

    return run


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, arrange: Arrange[Any]) -> Iterator[Site]:
    """The platform with web, relay and worker processes and a mailbox; the settings of this process are theirs."""
    folder = tmp_path_factory.mktemp("site")
    listener = socket.create_server(("127.0.0.1", 0))
    postman = asyncio.run_coroutine_threadsafe(serve_mailbox(listener, folder / "mails"), loop)

    async def see_the_postman_off() -> None:
        postman.cancel()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if others:
            _, left = await asyncio.wait(others, timeout=FAREWELL_SECONDS)
            for task in left:  # a connection that its client never closed
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    environment = {"ORION_SMTP_URL": f"smtp://127.0.0.1:{listener.getsockname()[1]}"}
    with running_stack(folder / "stack", environment=environment) as stack:
        variables = {name: value for name, value in stack.environment.items() if name.startswith("ORION_")}
        os.environ.update(variables)
        config.get_settings.cache_clear()
        stack.start_web()
        for kind in ("relay", "worker"):
            stack.start(kind)

        async def open_database() -> Database:
            return Database.from_settings(get_settings(), application="orion-e2e")

        database = arrange(open_database())
        yield Site(stack.base_url, stack, database, folder / "mails")
        arrange(database.dispose())
        for name in variables:
            del os.environ[name]
        config.get_settings.cache_clear()
    arrange(see_the_postman_off())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; a module that needs other flags (a camera) has a fixture of its own under this name."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def open_context(browser: Browser, site: Site) -> Iterator[Callable[..., BrowserContext]]:
    """Open windows with cookies of their own: `open_context(locale="fr-FR", viewport={…})`; they close with the test."""
    opened: list[BrowserContext] = []

    def open_one(**choices: Any) -> BrowserContext:
        context = browser.new_context(**{"base_url": site.url, "locale": "en-GB", "reduced_motion": "reduce"} | choices)
        context.set_default_timeout(10_000)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()
