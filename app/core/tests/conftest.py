"""The probe's application, for tests of core on its own routes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core.config import Settings
from app.core.testing import application
from app.core.tests.probe import PROBE
from app.core.web.middleware import Gate


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def probe(settings: Settings) -> AsyncIterator[Gate]:
    """The probe's application with short waits: 0.3 s for a lock, 0.2 s for a connection, of which there are five."""
    quick = settings.model_copy(update={"lock_timeout_ms": 300, "pool_timeout_seconds": 0.2, "pool_size": 5})
    async with application.running_routes(quick, PROBE) as gate:
        yield gate


@pytest_asyncio.fixture(loop_scope="session")
async def caller(probe: Gate) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the probe's application."""
    async with application.make_client(probe, **{"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture
def notes_of(superuser: asyncpg.Connection) -> Callable[[UUID], Awaitable[list[Any]]]:
    """Read the texts of all notes that were committed for a merchant."""

    async def read(merchant_id: UUID) -> list[Any]:
        rows = await superuser.fetch("SELECT details FROM core_audit_log WHERE merchant_id = $1 ORDER BY id", merchant_id)
        return [row["details"]["text"] for row in rows]

    return read
