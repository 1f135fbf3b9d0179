"""A database for questions about plans: which of two fitting ways the planner takes depends on what is in the tables."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from pydantic import SecretStr

from app.core import clock
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.testing.databases import DatabaseUrls, create_database, drop_database
from app.modules.loyalty.tests.factories import make_shop
from app.modules.loyalty.tests.sweeps import make_cards

MERCHANTS, CARDS = 5, 400


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plan_urls(postgres_socket_dir: str, worker_id: str) -> AsyncIterator[DatabaseUrls]:
    """Addresses of an own database."""
    name = f"several_merchants_{worker_id}"
    yield create_database(postgres_socket_dir, name)
    drop_database(postgres_socket_dir, name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_superuser(plan_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection to it beyond all policies."""
    conn = await asyncpg.connect(plan_urls.superuser)
    yield conn
    await conn.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(settings: Settings, plan_urls: DatabaseUrls, shared_superuser: asyncpg.Connection) -> AsyncIterator[Database]:
    """Pools on it; several merchants have a few hundred cards each."""
    addresses = {"database_url": SecretStr(plan_urls.app), "platform_database_url": SecretStr(plan_urls.platform)}
    opened = Database.from_settings(settings.model_copy(update=addresses))
    for _ in range(MERCHANTS):
        await make_cards(shared_superuser, await make_shop(opened), CARDS, at=clock.now())
    await shared_superuser.execute("ANALYZE")
    yield opened
    await opened.dispose()
