"""The chain goes up and down again with rows in it, and a store that is deleted for good takes its pages along."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from app.core.db import migrate
from app.core.db.engine import Database
from app.core.testing.databases import DatabaseUrls, create_database, drop_database
from app.modules.cms.tests.factories import make_page
from app.modules.tenancy.tests.factories import make_merchant, make_store

ROWS = """
WITH merchant AS (
  INSERT INTO tenancy_merchants (id, name, time_zone, locale, currency, status, created_at)
  VALUES (gen_random_uuid(), 'M', 'Europe/Luxembourg', 'fr', 'EUR', 'active', now()) RETURNING id
), page AS (
  INSERT INTO cms_pages (merchant_id, id, slug, created_at, edited_at)
  SELECT id, gen_random_uuid(), 'terms', now(), now() FROM merchant RETURNING merchant_id, id
), draft AS (
  INSERT INTO cms_page_drafts (merchant_id, page_id, locale, title, body, updated_at)
  SELECT merchant_id, id, 'fr', 't', 'b', now() FROM page
)
INSERT INTO cms_page_versions (merchant_id, page_id, number, slug, texts, published_at)
SELECT merchant_id, id, 1, 'terms', '{"fr": {"title": "t", "body": "b"}}', now() FROM page
"""


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(postgres_socket_dir: str, worker_id: str) -> AsyncIterator[DatabaseUrls]:
    """A database without any table."""
    name = f"cms_{worker_id}"
    yield create_database(postgres_socket_dir, name, template=None)
    drop_database(postgres_socket_dir, name)


async def test_up_and_down(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "cms@head")
    conn = await asyncpg.connect(empty_database.superuser)
    try:
        await conn.execute(ROWS)
        migrate.downgrade(empty_database.owner, "cms@base")
        assert await conn.fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'cms%'") == []
        assert await conn.fetchval("SELECT count(*) FROM tenancy_merchants") == 1
        migrate.upgrade(empty_database.owner, "cms@head")
        assert await conn.fetchval("SELECT count(*) FROM cms_pages") == 0
    finally:
        await conn.close()


async def test_a_store_that_is_deleted_for_good_takes_its_pages_along(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    store = await make_store(database, merchant.id, name="Closing")
    gone = await make_page(database, merchant, slug="here", store_id=store.id)
    kept = await make_page(database, merchant)
    await superuser.execute("UPDATE tenancy_stores SET deleted_at = now() WHERE merchant_id = $1 AND id = $2", merchant.id, store.id)
    await superuser.execute("DELETE FROM tenancy_stores WHERE merchant_id = $1 AND id = $2", merchant.id, store.id)
    for table in ("cms_pages", "cms_page_drafts", "cms_page_versions"):
        column = "id" if table == "cms_pages" else "page_id"
        left = await superuser.fetch(f"SELECT DISTINCT {column} AS page FROM {table} WHERE merchant_id = $1", merchant.id)
        assert [row["page"] for row in left] == [kept.id] != [gone.id]
