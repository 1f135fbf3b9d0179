"""The models say what the migrations made: columns, types, defaults, keys, checks, indexes and storage options.

Alembic's comparison does not look at checks, so the models also make their tables in a schema of their own, and PostgreSQL's
descriptions of both are compared word by word.
"""

import importlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from app.core.db.base import Base
from app.core.db.engine import async_url
from app.core.testing.databases import DatabaseUrls

ROOT = Path(__file__).resolve().parents[2]
for file in sorted((ROOT / "app/modules").glob("*/models/*.py")):
    importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))

TABLES = sorted(Base.metadata.tables)
COPY = "models_copy"

COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull, collname, attgenerated, pg_get_expr(adbin, adrelid)
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
LEFT JOIN pg_collation ON pg_collation.oid = attcollation
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname
"""
CONSTRAINTS = "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = $1::regclass ORDER BY conname"
INDEXES = "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = $1::regclass ORDER BY 1"
OPTIONS = "SELECT reloptions FROM pg_class WHERE oid = $1::regclass"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def conn(owner_conn: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the migrated database, with a second schema in which the models have made their tables."""
    await owner_conn.execute(f"DROP SCHEMA IF EXISTS {COPY} CASCADE")
    await owner_conn.execute(f"CREATE SCHEMA {COPY}")
    await owner_conn.execute(f"SET search_path = {COPY}")
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in Base.metadata.sorted_tables:
        await owner_conn.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            await owner_conn.execute(str(CreateIndex(index).compile(dialect=dialect)))
    yield owner_conn
    await owner_conn.execute("RESET search_path")
    await owner_conn.execute(f"DROP SCHEMA {COPY} CASCADE")


async def describe(conn: asyncpg.Connection, schema: str, table: str) -> dict[str, list[list[str]]]:
    """Return what PostgreSQL knows about `table` in `schema`, without the schema's name."""
    await conn.execute(f"SET search_path = {schema}")
    found = {}
    for kind, statement in {"columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES, "options": OPTIONS}.items():
        rows = await conn.fetch(statement, f"{schema}.{table}")
        found[kind] = [[re.sub(rf"\b{schema}\.", "", str(value)) for value in row] for row in rows]
    return found


@pytest.mark.parametrize("table", TABLES)
async def test_a_model_describes_its_table(conn: asyncpg.Connection, table: str) -> None:
    assert await describe(conn, COPY, table) == await describe(conn, "public", table)


async def test_every_table_of_a_module_with_models_has_one(conn: asyncpg.Connection) -> None:
    prefixes = {name.split("_")[0] for name in TABLES}
    tables = {row[0] for row in await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert {name for name in tables if name.split("_")[0] in prefixes} == set(TABLES)


async def test_alembic_would_change_nothing(database_urls: DatabaseUrls) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_server_default": True, "include_name": lambda name, kind, _: kind != "table" or name in TABLES}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    engine = create_async_engine(async_url(database_urls.owner))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await engine.dispose()
