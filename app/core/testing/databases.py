"""One PostgreSQL for a test session: migrated once, copied for every xdist worker.

The process that controls the session starts the server and hands its socket to the workers; each works in its own copy of
the migrated database, so that nobody waits for anybody.
"""

import contextlib
import dataclasses
from urllib.parse import quote, urlencode

import asyncpg

from app.core.db import migrate
from app.core.db.blocking import run_blocking
from app.ops import bootstrap_roles
from app.ops.embedded_postgres import SUPERUSER, EmbeddedPostgres, ephemeral_postgres

TEMPLATE = bootstrap_roles.DATABASE


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """Addresses of one database, by role."""

    app: str
    platform: str
    owner: str
    superuser: str


def urls_of(socket_dir: str, database: str) -> DatabaseUrls:
    """Return the addresses of `database` on the server whose socket lies in `socket_dir`."""

    def url(role: str) -> str:
        return f"postgresql://{quote(role)}@/{quote(database)}?{urlencode({'host': socket_dir})}"

    return DatabaseUrls(url(bootstrap_roles.APP_ROLE), url(bootstrap_roles.PLATFORM_ROLE), url(bootstrap_roles.OWNER_ROLE), url(SUPERUSER))


class TestServer:
    """The session's server; starts at first use and stops with `stop`."""

    __test__ = False

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._server: EmbeddedPostgres | None = None

    @property
    def socket_dir(self) -> str:
        """Where the server listens; its template database is migrated to the newest version of every module."""
        if self._server is None:
            self._server = self._stack.enter_context(ephemeral_postgres(durable=False))
            migrate.upgrade(self._server.url_owner)
        return str(self._server.socket_dir)

    def stop(self) -> None:
        """End the server, if it ever started, and remove its data."""
        self._stack.close()
        self._server = None


def create_database(socket_dir: str, name: str, *, template: str | None = TEMPLATE) -> DatabaseUrls:
    """Make the database `name`, migrated (or empty when `template` is None), with the rights of the three roles."""
    run_blocking(_create_database(socket_dir, name, template))
    return urls_of(socket_dir, name)


def drop_database(socket_dir: str, name: str) -> None:
    """Drop the database `name`, whoever is still connected."""
    run_blocking(_execute(socket_dir, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


async def _create_database(socket_dir: str, name: str, template: str | None) -> None:
    await _execute(socket_dir, f'CREATE DATABASE "{name}" OWNER {bootstrap_roles.OWNER_ROLE} TEMPLATE {template or "template0"}')
    await bootstrap_roles.bootstrap_roles(urls_of(socket_dir, "postgres").superuser, database=name)


async def _execute(socket_dir: str, statement: str) -> None:
    connection = await asyncpg.connect(urls_of(socket_dir, "postgres").superuser)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
