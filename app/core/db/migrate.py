"""Migrations: one branch per module, run as `orion_owner`, one migrator at a time, each version a transaction of its own.

A version that cannot get a table's lock within 0.8 seconds gives way to the traffic that holds it and is tried again, so
that requests do not queue up behind a migration until their own time is up (docs/adr/0019-migrations-give-way-early.md).
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import text

from app.core.db.blocking import run_blocking
from app.core.db.engine import async_url

log = logging.getLogger(__name__)

APP_DIR = Path(__file__).resolve().parents[2]
LOCK_TIMEOUT_MS = 800
LOCK_ATTEMPTS = 32
LOCK_PAUSE_SECONDS = 2.0
GIVES_WAY_ON = frozenset({"55P03", "40P01"})
"""No lock in time; a deadlock with somebody who locks tables in another order."""
ADVISORY_LOCK = 0x4F52494F4E  # "ORION"


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Which versions a database has and which the code knows, by revision id."""

    current: frozenset[str]
    heads: frozenset[str]

    @property
    def is_at_head(self) -> bool:
        """Whether nothing is left to run."""
        return self.current == self.heads


def upgrade(url: str, target: str = "heads") -> None:
    """Bring the database at `url` (a `postgresql://` address of orion_owner) up to `target`, a revision or `heads`."""
    run_blocking(_migrate(url, lambda config: command.upgrade(config, target)))


def downgrade(url: str, target: str) -> None:
    """Take the database at `url` back to `target`: a revision, `module@base`, or `base` for an empty database."""
    run_blocking(_migrate(url, lambda config: command.downgrade(config, target)))


def read_status(url: str) -> MigrationStatus:
    """Return the versions of the database at `url`, as any role that may read `alembic_version`."""
    return run_blocking(_read_status(url))


def make_config() -> Config:
    """Return Alembic's configuration: core's versions, and those of every module that has a `migrations` folder."""
    locations = [APP_DIR / "core" / "migrations" / "versions", *sorted((APP_DIR / "modules").glob("*/migrations"))]
    config = Config()
    config.set_main_option("script_location", _option(APP_DIR / "core" / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(_option(location) for location in locations))
    return config


def _option(path: Path) -> str:
    """Return `path` as a value of a configuration file, where % starts an interpolation."""
    return str(path).replace("%", "%%")


def _make_engine(url: str) -> AsyncEngine:
    settings = {"application_name": "orion-migrate", "lock_timeout": str(LOCK_TIMEOUT_MS), "timezone": "UTC"}
    return create_async_engine(async_url(url), poolclass=NullPool, hide_parameters=True, connect_args={"server_settings": settings})


async def _migrate(url: str, act: Callable[[Config], None]) -> None:
    """Run `act` while holding the advisory lock; repeat it while a table's lock cannot be had."""
    engine = _make_engine(url)
    try:
        async with engine.connect() as guard:
            await guard.execution_options(isolation_level="AUTOCOMMIT")
            await guard.execute(text("SET lock_timeout = 0"))
            await guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
            for attempt in range(1, LOCK_ATTEMPTS + 1):
                try:
                    await _run(engine, act)
                    break
                except DBAPIError as error:
                    if getattr(error.orig, "sqlstate", None) not in GIVES_WAY_ON or attempt == LOCK_ATTEMPTS:
                        raise
                    log.warning("a table is busy, migration attempt %d of %d gives way", attempt, LOCK_ATTEMPTS)
                    await asyncio.sleep(LOCK_PAUSE_SECONDS)
            # Health checks compare versions as the roles that serve requests.
            await guard.execute(text("GRANT SELECT ON alembic_version TO orion_app, orion_platform"))
    finally:
        await engine.dispose()


async def _run(engine: AsyncEngine, act: Callable[[Config], None]) -> None:
    """Run `act` on one connection of `engine`."""

    def run(connection: Connection) -> None:
        config = make_config()
        config.attributes["connection"] = connection
        act(config)

    async with engine.connect() as connection:
        await connection.run_sync(run)


async def _read_status(url: str) -> MigrationStatus:
    engine = _make_engine(url)
    try:
        async with engine.connect() as connection:
            current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads())
    finally:
        await engine.dispose()
    return status_of(current)


def status_of(current: Collection[str]) -> MigrationStatus:
    """Return what the rows `current` of `alembic_version` mean. Reads every version's file: not for the event loop's thread."""
    script = ScriptDirectory.from_config(make_config())
    heads = frozenset(script.get_heads())
    return MigrationStatus(frozenset(current) | (heads & _reached(script, current)), heads)


def _reached(script: ScriptDirectory, current: Iterable[str]) -> set[str]:
    """Return every version that led to `current`: Alembic no longer lists one that another module's version depends on."""
    known = {version.revision for version in script.walk_revisions()}
    return {version.revision for version in script.iterate_revisions(tuple(known.intersection(current)), "base")}
