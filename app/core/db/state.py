"""The state of the database, as the platform's admin sees it."""

import asyncio
import dataclasses

import asyncpg

from app.core.db import migrate
from app.core.db.migrate import MigrationStatus

READ = """
SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size_bytes,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
       current_setting('max_connections')::int AS max_connections
"""


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseState:
    """The server's version, the database's size, its connections and the server's most, and how far it is migrated."""

    version: str
    size_bytes: int
    connections: int
    max_connections: int
    migrations: MigrationStatus


async def read_database(conn: asyncpg.Connection) -> DatabaseState:
    """Return the state of the database behind `conn`, a connection of orion_platform."""
    [row] = await conn.fetch(READ)
    current = [version["version_num"] for version in await conn.fetch("SELECT version_num FROM alembic_version")]
    status = await asyncio.to_thread(migrate.status_of, current)
    return DatabaseState(row["version"], row["size_bytes"], row["connections"], row["max_connections"], status)
