"""The application as tests see it: the real gate, real routes, real transactions; only the socket is missing."""

import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import httpx

from app.core import permissions
from app.core.config import Settings
from app.core.ids import new_id
from app.core.modules import ModuleDefinition
from app.core.testing.databases import DatabaseUrls

if TYPE_CHECKING:
    # The web is imported where it is first used: tests of pure functions start without it.
    from fastapi import FastAPI

    from app.core.web.middleware import Gate

BASE_URL = "http://testserver"
BROWSER_HEADERS = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
PAGE_HEADERS = {"Accept": "text/html", "Accept-Language": "en"}


def write_key(path: Path) -> Path:
    """Write a random key that only its owner can read; return `path`."""
    path.write_text(os.urandom(32).hex())
    path.chmod(0o600)
    return path


def settings_environment(urls: DatabaseUrls, folder: Path) -> dict[str, str]:
    """Return the variables that point the platform at the database `urls`, with fresh keys in `folder` and no rate limits."""
    return {
        "ORION_ENV": "test",
        "ORION_BASE_URL": BASE_URL,
        "ORION_DATABASE_URL": urls.app,
        "ORION_PLATFORM_DATABASE_URL": urls.platform,
        "ORION_OWNER_DATABASE_URL": urls.owner,
        "ORION_RATE_LIMITS_ENABLED": "false",
        "ORION_SECRET_KEY_FILE": str(write_key(folder / "secret")),
        "ORION_PIN_PEPPER_FILE": str(write_key(folder / "pin_pepper")),
        "ORION_MAILBOX_DIR": str(folder / "mailbox"),
    }


def new_key() -> str:
    """Return a fresh Idempotency-Key."""
    return str(new_id())


@contextlib.asynccontextmanager
async def running(gate: "Gate") -> AsyncIterator["Gate"]:
    """Run the application's start and stop around the block."""
    api = cast("FastAPI", gate.app)
    async with api.router.lifespan_context(api):
        yield gate


@contextlib.asynccontextmanager
async def running_routes(settings: Settings, *definitions: ModuleDefinition) -> AsyncIterator["Gate"]:
    """Run an application made of `definitions` alone: for tests of core with routes of their own."""
    from app.core.web.app import build_api
    from app.core.web.middleware import Gate

    for definition in definitions:
        permissions.register(definition.permissions)
    async with running(Gate(build_api(settings, definitions), settings)) as gate:
        yield gate


def make_client(gate: "Gate", *, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
    """Return a browser-like client of `gate`: it keeps cookies and sends same-origin requests from `address`.

    An answer that the route's description does not know fails the test.
    """
    from app.core.testing.described import Described

    transport = httpx.ASGITransport(app=Described(gate), client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=BROWSER_HEADERS | headers)


def make_app(settings: Settings) -> "Gate":
    """Return the whole application for `settings`."""
    from app.core.web.app import create_app

    return create_app(settings)


async def page_text(client: httpx.AsyncClient, path: str, **headers: str) -> str:
    """Return a page's HTML with all white space as single blanks."""
    answer = await client.get(path, headers=PAGE_HEADERS | headers)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)
