"""The fixtures of every test, loaded by the conftest.py at the repository's root.

Tests commit for real: a test makes its own merchant and is thereby alone with it. Whatever a test asserts about rows it
reads through `superuser`, beyond all policies.
"""

import functools
import hashlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.core import config
from app.core.config import Settings
from app.core.db.engine import Database
from app.core.testing import application, extent, network
from app.core.testing.databases import DatabaseUrls, TestServer, create_database, drop_database
from app.ops.embedded_valkey import EmbeddedValkey, ephemeral_valkey

if TYPE_CHECKING:
    from app.core.testing.processes import Stack
    from app.core.web.middleware import Gate

SERVER = pytest.StashKey[TestServer]()
ROWS_OF = "SELECT format('SELECT t::text FROM %I t WHERE merchant_id = $1 ORDER BY 1', $1::text)"
SOCKET_DIR = "orion_postgres_socket_dir"


def pytest_configure(config: pytest.Config) -> None:
    """Shut the network and forget the environment's settings before anything is imported."""
    network.block()
    for name in [name for name in os.environ if name.startswith("ORION_") and name not in extent.VARIABLES]:
        del os.environ[name]
    Settings.model_config["env_file"] = None
    config.stash[SERVER] = TestServer()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the session's server."""
    if SERVER in config.stash:
        config.stash[SERVER].stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the server's address to an xdist worker."""
    node.workerinput[SOCKET_DIR] = node.config.stash[SERVER].socket_dir


@pytest.fixture(scope="session")
def postgres_socket_dir(request: pytest.FixtureRequest) -> str:
    """Where the session's PostgreSQL listens."""
    workerinput = getattr(request.config, "workerinput", None)
    return str(workerinput[SOCKET_DIR]) if workerinput else request.config.stash[SERVER].socket_dir


@pytest.fixture(scope="session")
def database_urls(postgres_socket_dir: str, worker_id: str) -> Iterator[DatabaseUrls]:
    """Addresses of this worker's own migrated database."""
    name = f"test_{worker_id}"
    yield create_database(postgres_socket_dir, name)
    drop_database(postgres_socket_dir, name)


@pytest.fixture(scope="session")
def settings(database_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of the tested application, the same that `get_settings()` returns; rate limits are off.

    For others: `settings.model_copy(update={"rate_limits_enabled": True})`.
    """
    variables = application.settings_environment(database_urls, tmp_path_factory.mktemp("settings"))
    os.environ.update(variables)
    config.get_settings.cache_clear()
    yield config.get_settings()
    config.get_settings.cache_clear()
    for name in variables:
        del os.environ[name]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Pools of the application's two roles on this worker's database."""
    opened = Database.from_settings(settings, application="orion-test")
    yield opened
    await opened.dispose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def superuser(database_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection that no policy binds, in autocommit: for assertions, and for rows that no service can make."""
    connection = await _connect(database_urls.superuser)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owner_conn(database_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection as orion_owner, in autocommit: what not even the tables' owner may do is tried here."""
    connection = await _connect(database_urls.owner)
    yield connection
    await connection.close()


async def _connect(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    return connection


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api(settings: Settings) -> AsyncIterator["Gate"]:
    """The whole application, started."""
    async with application.running(application.make_app(settings)) as gate:
        yield gate


@pytest_asyncio.fixture(loop_scope="session")
async def client(api: "Gate") -> AsyncIterator[httpx.AsyncClient]:
    """A browser's view of the application: same-origin requests, cookies of its own (`client.cookies.set(name, value)`)."""
    async with application.make_client(api) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def make_client(api: "Gate") -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """More browsers: `make_client(address="10.0.0.7", **headers)`, each with cookies of its own."""
    made: list[httpx.AsyncClient] = []

    def make(*, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        made.append(application.make_client(api, address=address, **headers))
        return made[-1]

    yield make
    for opened in made:
        await opened.aclose()


@pytest.fixture
def new_key() -> Callable[[], str]:
    """Make fresh Idempotency-Keys."""
    return application.new_key


@pytest.fixture
def checksum(superuser: asyncpg.Connection) -> Callable[[str, UUID], Awaitable[str]]:
    """Digest of all rows of a merchant in a table: equal before and after when nothing changed."""

    async def digest(table: str, merchant_id: UUID) -> str:
        rows = await superuser.fetch(await superuser.fetchval(ROWS_OF, table), merchant_id)
        return hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()

    return digest


@pytest.fixture
def worker_once(database: Database) -> Callable[..., Awaitable[list[Any]]]:
    """Do the background work: `await worker_once(merchant_id=…, now=…)` runs what is due, and what that causes."""
    from app.core.testing.background import run_due

    return functools.partial(run_due, database)


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    """A broker and rate-limit store of this worker's own; `valkey.url` is what ORION_BROKER_URL would say."""
    with ephemeral_valkey() as server:
        yield server


@pytest.fixture
def stack(tmp_path: Path) -> Iterator["Stack"]:
    """The platform as real processes, for tests that kill and starve them; its servers run."""
    from app.core.testing.processes import running_stack

    with running_stack(tmp_path / "stack") as running:
        yield running
