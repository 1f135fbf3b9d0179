"""tenancy_001 and tenancy_002: up, down and up again, with rows in the tables."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
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
            assert (await conn.fetchval(TABLES), await conn.fetchval(DOORS)) == (8, 7)
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


async def test_a_code_is_free_again_for_its_own_merchant_and_taken_from_all_others(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "tenancy_001")
    conn = await asyncpg.connect(empty_database.superuser)
    try:
        merchant_id, other_id, old_id, new_id = (uuid.uuid4() for _ in range(4))
        for tenant in (merchant_id, other_id):
            await conn.execute(MERCHANT, tenant)
        await conn.execute(STORE, merchant_id, old_id)
        migrate.upgrade(empty_database.owner, "tenancy_002")
        free = "SELECT tenancy_is_store_code_free('gare', $1)"
        assert [await conn.fetchval(free, tenant) for tenant in (merchant_id, other_id, None)] == [False, False, False]
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="a live row of tenancy_stores cannot be deleted"):
            await conn.execute("DELETE FROM tenancy_stores")
        await conn.execute("UPDATE tenancy_stores SET deleted_at = now()")
        assert [await conn.fetchval(free, tenant) for tenant in (merchant_id, other_id, None)] == [True, False, False]
        await conn.execute(STORE, merchant_id, new_id)
        (opened,) = await conn.fetch("SELECT store_id FROM tenancy_open_store('gare')")
        assert opened["store_id"] == new_id
        with pytest.raises(asyncpg.UniqueViolationError, match="uq_tenancy_stores_code"):
            await conn.execute("UPDATE tenancy_stores SET deleted_at = NULL WHERE id = $1", old_id)

        migrate.downgrade(empty_database.owner, "tenancy_001")
        codes = {row["id"]: row["code"] for row in await conn.fetch("SELECT id, code FROM tenancy_stores")}
        assert codes == {new_id: "gare", old_id: f"store-{old_id.hex[-24:]}"}
        assert await conn.fetchval("SELECT tenancy_is_store_code_free('gare')") is False
        migrate.upgrade(empty_database.owner, "tenancy_002")
        assert await conn.fetchval("SELECT count(*) FROM tenancy_stores WHERE deleted_at IS NOT NULL") == 1
    finally:
        await conn.close()
