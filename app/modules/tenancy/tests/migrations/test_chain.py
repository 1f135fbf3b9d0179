"""tenancy_001: up, down and up again, with rows in the tables."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from app.core.db import migrate
from app.core.testing.databases import DatabaseUrls, create_database, drop_database

TABLES = "SELECT count(*) FROM pg_class WHERE relname LIKE 'tenancy\\_%' AND relkind = 'r'"
DOORS = "SELECT count(*) FROM pg_proc WHERE proname LIKE 'tenancy\\_%'"
STORE = """
INSERT INTO tenancy_stores (merchant_id, id, code, name, address_line, postal_code, city, country, time_zone, locale, status, created_at)
VALUES ($1, $2, 'gare', 'Gare', '1, place de la Gare', 'L-1616', 'Luxembourg', 'LU', 'Europe/Luxembourg', 'fr', 'open', now())
"""
MERCHANT = """
INSERT INTO tenancy_merchants (id, name, time_zone, locale, currency, status, created_at)
VALUES ($1, 'Muselbrout', 'Europe/Luxembourg', 'fr', 'EUR', 'active', now())
"""


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(postgres_socket_dir: str, worker_id: str) -> AsyncIterator[DatabaseUrls]:
    """A database without any table."""
    name = f"tenancy_{worker_id}"
    yield create_database(postgres_socket_dir, name, template=None)
    drop_database(postgres_socket_dir, name)


async def test_the_tables_and_doors_come_and_go(empty_database: DatabaseUrls) -> None:
    conn = await asyncpg.connect(empty_database.superuser)
    try:
        for _ in range(2):
            migrate.upgrade(empty_database.owner, "tenancy@head")
            assert (await conn.fetchval(TABLES), await conn.fetchval(DOORS)) == (8, 5)
            merchant_id = uuid.uuid4()
            await conn.execute(MERCHANT, merchant_id)
            await conn.execute(STORE, merchant_id, uuid.uuid4())
            app = await asyncpg.connect(empty_database.app)
            try:
                assert await app.fetchval("SELECT count(*) FROM tenancy_merchants") == 0
                (opened,) = await app.fetch("SELECT merchant_id, store_zone FROM tenancy_open_store('gare')")
                assert tuple(opened) == (merchant_id, "Europe/Luxembourg")
            finally:
                await app.close()
            migrate.downgrade(empty_database.owner, "tenancy@base")
            assert (await conn.fetchval(TABLES), await conn.fetchval(DOORS)) == (0, 0)
    finally:
        await conn.close()
