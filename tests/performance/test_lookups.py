"""No look-up of a terminal reads a whole table (performance.md); at a million cards `make bench` asks the same."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.core.config import Settings
from app.core.context import unit_of_work
from app.core.db.engine import Database
from app.core.testing import extent
from app.core.testing.databases import create_database, drop_database
from benchmarks import data, plans

pytestmark = pytest.mark.slow
CARDS = extent.times(short=30_000, full=200_000)
NAME = "plans"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def large(settings: Settings, postgres_socket_dir: str, worker_id: str) -> AsyncIterator[tuple[Database, data.Tenant]]:
    """A database with many cards of one merchant and many merchants with little."""
    urls = create_database(postgres_socket_dir, f"{NAME}_{worker_id}")
    tenant = await data.create_tenant(urls.superuser, cards=CARDS)
    conn = await asyncpg.connect(urls.superuser)
    await plans.fill_neighbours(conn, 2_000)
    await conn.close()
    there = {"database_url": urls.app, "platform_database_url": urls.platform}
    database = Database.from_settings(Settings.model_validate(settings.model_dump() | there))
    yield database, tenant
    await database.dispose()
    drop_database(postgres_socket_dir, f"{NAME}_{worker_id}")


async def test_no_lookup_reads_a_whole_table(large: tuple[Database, data.Tenant]) -> None:
    database, tenant = large
    assert list(await plans.find_sequential_scans(database, tenant, cards=CARDS)) == []


@pytest.mark.parametrize("name", ["card number", "QR content", "e-mail", "phone number", "both names"])
async def test_each_lookup_finds_the_card_that_was_meant(large: tuple[Database, data.Tenant], name: str) -> None:
    """A look-up that finds nothing would be quick too."""
    database, tenant = large
    async with unit_of_work(database, plans.open_terminal(tenant)) as ctx:
        found = await plans.lookups(tenant, cards=CARDS)[name](ctx)
    assert isinstance(found, list)
    assert found != []


async def test_a_whole_table_that_is_read_shows(large: tuple[Database, data.Tenant]) -> None:
    """The counter counts: a statement that no index serves is found out."""
    database, tenant = large
    async with unit_of_work(database, plans.open_terminal(tenant)) as ctx:
        await ctx.conn.fetchval("SELECT count(*) FROM loyalty_cards WHERE visit_count = 77")
        rows = await ctx.conn.fetch(plans.SCANS, float(plans.LARGE_ROWS))
    assert [row["relname"] for row in rows] == ["loyalty_cards"]
