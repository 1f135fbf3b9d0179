"""Connections: one pool per role, made inside the process that uses it.

The engine runs in driver autocommit mode: `unit_of_work` alone sends BEGIN and COMMIT, so that the ORM and the driver's
prepared statements share one transaction, and BEGIN and the tenant's setting are one round trip.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.core.config import Settings
from app.core.errors import Unavailable

STATEMENTS_KEPT = 400
"""Prepared statements kept per connection, more than the platform has; they live as long as the connection."""


BESIDE_TURNS = 4
"""Connections of a process beyond those of its units of work: health checks, claims and heartbeats, one statement each."""


def async_url(url: str) -> str:
    """Return `url` (postgresql://…) for SQLAlchemy's asyncpg dialect."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url.removeprefix(prefix)
    return url


def _create_engine(url: str, settings: Settings, *, pool_size: int, application: str) -> AsyncEngine:
    server_settings = {
        "application_name": application,
        "statement_timeout": str(settings.statement_timeout_ms),
        "lock_timeout": str(settings.lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.idle_in_transaction_timeout_ms),
        "jit": "off",
        # Our statements are few, hand-written and led by the merchant's id: each is planned once per connection. Left to itself,
        # PostgreSQL plans the set-based ones anew each time (arrays of unknown length look dear), which costs more than running them.
        "plan_cache_mode": "force_generic_plan",
        "timezone": "UTC",
    }
    arguments: dict[str, Any] = {
        "server_settings": server_settings,
        "timeout": settings.connect_timeout_seconds,
        "statement_cache_size": STATEMENTS_KEPT,
        "max_cached_statement_lifetime": 0,
    }
    engine = create_async_engine(
        async_url(url),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=BESIDE_TURNS,
        pool_timeout=settings.pool_timeout_seconds,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args=arguments,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """Never hand out a connection that the server has closed (a restart closes them all): the pool then opens new ones."""
    if dbapi_connection.driver_connection.is_closed():
        raise InvalidatePoolError


def is_broken(conn: asyncpg.Connection, error: BaseException | None = None) -> bool:
    """Return whether `conn` is beyond use after `error`: closed, or interrupted by the server's farewell.

    We talk to the driver directly, so that SQLAlchemy never sees such errors: who does must invalidate the connection, or the
    pool hands it out again.
    """
    return conn.is_closed() or isinstance(error, asyncpg.InternalClientError | asyncpg.PostgresConnectionError)


async def discard(connection: AsyncConnection, conn: asyncpg.Connection | None) -> None:
    """Take a connection that is beyond use out of the pool, at once: a polite farewell would wait two seconds for a frozen server."""
    if conn is not None:
        conn.terminate()
    await connection.invalidate()


async def _driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """Return the driver's connection below SQLAlchemy's."""
    return cast(asyncpg.Connection, (await connection.get_raw_connection()).driver_connection)


@contextlib.asynccontextmanager
async def raw_connection(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """Give the driver's connection, in autocommit: for work that is one statement and whole by itself."""
    async with engine.connect() as connection:
        conn = await _driver_of(connection)
        try:
            yield conn
        except BaseException as error:
            if is_broken(conn, error):
                await discard(connection, conn)
            raise


Opened = tuple[AsyncConnection, asyncpg.Connection]


class Turns:
    """First come, first served: a connection goes to whoever has waited longest.

    The pool alone gives a connection that is returned to whoever asks next in the same tick, which is the client that has just
    been served: under load half of the clients were seen to starve until their time-out. Connections in good order wait here
    for the next turn: taking one out of the pool and back costs as much as a statement.
    """

    def __init__(self, *, size: int, timeout_seconds: float) -> None:
        self._semaphore = asyncio.Semaphore(size)
        self._timeout_seconds = timeout_seconds
        self._idle: list[Opened] = []
        self.in_use = 0
        self.waiting = 0

    async def __aenter__(self) -> None:
        """Wait for a turn; Unavailable when none comes in time."""
        if not self._semaphore.locked():
            await self._semaphore.acquire()
        else:
            await self._wait()
        self.in_use += 1

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            await asyncio.wait_for(self._semaphore.acquire(), self._timeout_seconds)
        except TimeoutError as error:
            raise Unavailable from error
        finally:
            self.waiting -= 1

    async def __aexit__(self, *_error: object) -> None:
        """Pass the turn on."""
        self.in_use -= 1
        self._semaphore.release()

    async def take(self, engine: AsyncEngine) -> Opened:
        """Return a connection that waits here, or one from the pool of `engine`."""
        while self._idle:
            connection, conn = self._idle.pop()
            if not conn.is_closed():
                return connection, conn
            await discard(connection, conn)
            await connection.close()
        connection = await engine.connect()
        return connection, await _driver_of(connection)

    async def give_back(self, connection: AsyncConnection, conn: asyncpg.Connection) -> None:
        """Keep a connection in good order for the next turn; close any other."""
        if connection.invalidated or conn.is_closed() or conn.is_in_transaction() or connection.in_transaction():
            await connection.close()
        else:
            self._idle.append((connection, conn))

    async def close(self) -> None:
        """Give the waiting connections back to the pool."""
        while self._idle:
            connection, _conn = self._idle.pop()
            await connection.close()


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    """The process's two pools: `app` sees one merchant at a time, `platform` serves admin, relay and workers' claims."""

    app: AsyncEngine
    platform: AsyncEngine
    app_turns: Turns
    platform_turns: Turns

    @classmethod
    def from_settings(cls, settings: Settings, *, application: str = "orion-web") -> "Database":
        """Return pools for `settings`; nothing connects before first use."""
        app_size, platform_size = settings.pool_size, max(2, settings.pool_size // 4)
        wait = settings.pool_timeout_seconds
        return cls(
            app=_create_engine(settings.require_url("database_url"), settings, pool_size=app_size, application=application),
            platform=_create_engine(
                settings.require_url("platform_database_url"), settings, pool_size=platform_size, application=application
            ),
            app_turns=Turns(size=app_size, timeout_seconds=wait),
            platform_turns=Turns(size=platform_size, timeout_seconds=wait),
        )

    async def dispose(self) -> None:
        """Close all connections."""
        await self.app_turns.close()
        await self.platform_turns.close()
        await self.app.dispose()
        await self.platform.dispose()
