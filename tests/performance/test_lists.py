"""No list reads a large table as a whole, skips rows by an offset or counts a tenant's table; `make bench` measures what a page costs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.core.config import Settings
from app.core.context import PlatformCtx
from app.core.db.engine import Database
from app.core.pagination import Page
from app.core.testing import extent
from app.core.testing.databases import create_database, drop_database
from benchmarks import lists, people
from benchmarks.data import Tenant

pytestmark = pytest.mark.slow
CARDS = extent.times(short=30_000, full=200_000)
NAME = "lists"
World = tuple[Database, asyncpg.Connection, Tenant]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def large(settings: Settings, postgres_socket_dir: str, worker_id: str) -> AsyncIterator[World]:
    """A database with 300 merchants, one of which has half of the cards."""
    urls = create_database(postgres_socket_dir, f"{NAME}_{worker_id}")
    tenant, _cookies = await people.create(urls.superuser, cards=CARDS)
    there = {"database_url": urls.app, "platform_database_url": urls.platform}
    database = Database.from_settings(Settings.model_validate(settings.model_dump() | there))
    conn = await asyncpg.connect(urls.superuser)
    yield database, conn, tenant
    await conn.close()
    await database.dispose()
    drop_database(postgres_socket_dir, f"{NAME}_{worker_id}")


async def test_every_list_reads_ranges_of_indexes_on_any_page(large: World) -> None:
    database, conn, tenant = large
    faults: list[str] = []
    for listed in lists.all_lists(tenant, cards=CARDS):
        places = await lists.find_places(conn, listed, tenant)
        assert len(places) == (lists.PLACES if listed.places else 0), listed.name
        faults += await lists.find_faults(database, tenant, listed, [None, *places[:8]])
    assert faults == []


async def test_pages_are_full(large: World) -> None:
    """A page that finds nothing would be quick too."""
    database, _conn, tenant = large
    for listed in lists.all_lists(tenant, cards=CARDS):
        async with lists.open_work(database, tenant, is_platform=listed.is_platform) as ctx:
            page = await listed.read(ctx, None)
        assert len(page.items) == (lists.PAGE if listed.places else 1), listed.name
        assert (page.next_cursor is not None) == (listed.places is not None), listed.name


async def test_what_is_forbidden_shows(large: World) -> None:
    """The check finds what it looks for: an offset, a count, a table read as a whole."""
    database, _conn, tenant = large

    async def read(ctx: PlatformCtx, _cursor: str | None) -> Page[asyncpg.Record]:
        return Page(await ctx.conn.fetch("SELECT count(*) FROM loyalty_cards WHERE visit_count = 77 OFFSET 0"))

    wrong = lists.List("wrong", "admin/", read)
    assert await lists.find_faults(database, tenant, wrong, [None]) == [
        "wrong: count(*)",
        "wrong: OFFSET",
        "wrong: reads loyalty_cards as a whole",
    ]
