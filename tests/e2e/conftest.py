"""The whole platform for browser tests: real processes, a real database, Chromium.

Tests arrange through `arrange(coroutine)`, with the factories of the modules and `site.database`:

    shop = arrange(make_shop(site.database))
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext

from app.core import config
from app.core.config import get_settings
from app.core.db.engine import Database
from app.core.testing.processes import Stack, running_stack
from tests.e2e.kit_browser import chromium

Answer = TypeVar("Answer")
Arrange = Callable[[Coroutine[Any, Any, Answer]], Answer]


@dataclass(frozen=True, slots=True)
class Site:
    """The running platform: its address, its processes, and a database for arranging and asserting."""

    url: str
    stack: Stack
    database: Database


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
def site(tmp_path_factory: pytest.TempPathFactory, arrange: Arrange[Any]) -> Iterator[Site]:
    """The platform with web, relay and worker processes; the settings of this process are theirs."""
    with running_stack(tmp_path_factory.mktemp("site") / "stack") as stack:
        variables = {name: value for name, value in stack.environment.items() if name.startswith("ORION_")}
        os.environ.update(variables)
        config.get_settings.cache_clear()
        stack.start_web()
        for kind in ("relay", "worker"):
            stack.start(kind)

        async def open_database() -> Database:
            return Database.from_settings(get_settings(), application="orion-e2e")

        database = arrange(open_database())
        yield Site(stack.base_url, stack, database)
        arrange(database.dispose())
        for name in variables:
            del os.environ[name]
        config.get_settings.cache_clear()


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
