"""The database of a stack, for tests that write into it and read what became of it."""

import contextlib
from collections.abc import AsyncIterator

import asyncpg

from app.core.config import Settings
from app.core.db.engine import Database
from app.core.testing.processes import Stack


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
