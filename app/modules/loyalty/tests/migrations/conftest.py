"""Databases that stand at a given version."""

import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import asyncpg
import pytest
import pytest_asyncio

from app.core.db import migrate
from app.core.testing.databases import DatabaseUrls, create_database, drop_database

AtVersion = Callable[[str], Awaitable["Step"]]


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A database at some version: a connection that no policy binds, and its addresses."""

    conn: asyncpg.Connection
    urls: DatabaseUrls

    def upgrade(self, target: str = "heads") -> None:
        """Bring it up to `target`."""
        migrate.upgrade(self.urls.owner, target)

    def downgrade(self, target: str) -> None:
        """Take it back to `target`."""
        migrate.downgrade(self.urls.owner, target)

    async def version(self) -> str | None:
        """Return loyalty's version."""
        found: str | None = await self.conn.fetchval("SELECT version_num FROM alembic_version WHERE version_num LIKE 'loyalty%'")
        return found


@pytest.fixture(scope="session")
def version_templates(postgres_socket_dir: str, worker_id: str) -> Iterator[Callable[[str], str]]:
    """Names of databases migrated to a version from nothing, each made once."""
    made: dict[str, str] = {}

    def name_of(version: str) -> str:
        if version not in made:
            made[version] = f"steps_{worker_id}_{version}"
            migrate.upgrade(create_database(postgres_socket_dir, made[version], template=None).owner, version)
        return made[version]

    yield name_of
    for name in made.values():
        drop_database(postgres_socket_dir, name)


@pytest_asyncio.fixture(loop_scope="session")
async def at_version(postgres_socket_dir: str, worker_id: str, version_templates: Callable[[str], str]) -> AsyncIterator[AtVersion]:
    """A fresh database at a version: `step = await at_version("loyalty_002")`, once a test."""
    opened: list[Step] = []
    name = f"step_{worker_id}"

    async def make(version: str) -> Step:
        urls = create_database(postgres_socket_dir, name, template=version_templates(version))
        conn = await asyncpg.connect(urls.superuser)
        await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        opened.append(Step(conn, urls))
        return opened[-1]

    yield make
    for step in opened:
        await step.conn.close()
    drop_database(postgres_socket_dir, name)
