"""The database of a stack, for tests that write into it and read what became of it."""

import contextlib
from collections.abc import AsyncIterator

import asyncpg

from app.core.config import Settings
from app.core.db.engine import Database
from app.core.testing.processes import Stack
from app.core.testing.waiting import until

# "Time passes": leases, hints and the heartbeat of a run lapse now instead of after a minute.
LET_TIME_PASS = """
WITH runs AS (UPDATE core_job_runs SET heartbeat_at = heartbeat_at - interval '2 minutes' WHERE status = 'running')
UPDATE core_outbox SET sweep_at = now(), lease_until = CASE WHEN lease_until IS NOT NULL THEN now() END
WHERE done_at IS NULL AND dead_at IS NULL AND sweep_at IS NOT NULL
"""
IS_STUCK = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'orion-worker' AND wait_event_type = 'Lock')"


async def wait_until(stack: Stack, conn: asyncpg.Connection, question: str, *arguments: object, seconds: float = 60) -> None:
    """Wait until the database answers `question` with true."""
    try:
        await until(lambda: conn.fetchval(question, *arguments), seconds=seconds)
    except TimeoutError:
        logs = {name: stack.log_of(name)[-800:] for name in stack.processes}
        raise AssertionError(f"not within {seconds} s: {question}; {logs}") from None


@contextlib.asynccontextmanager
async def watched(stack: Stack) -> AsyncIterator[tuple[Database, asyncpg.Connection]]:
    """The stack's database as its processes use it, and a connection beyond all policies."""
    settings = Settings.model_validate(
        {name.removeprefix("ORION_").lower(): value for name, value in stack.environment.items() if name.startswith("ORION_")}
    )
    database = Database.from_settings(settings)
    conn = await asyncpg.connect(stack.urls.superuser)
    try:
        yield database, conn
    finally:
        await conn.close()
        await database.dispose()
