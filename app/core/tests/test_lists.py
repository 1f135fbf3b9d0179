"""Pages of long lists: conditions, orders from both ends, cursors of one list that another refuses, addresses that keep filters."""

import datetime as dt
import uuid

import asyncpg
import pytest
from starlette.requests import Request

from app.core.db import lists
from app.core.pagination import BadCursor, Page
from app.core.web import lists as web_lists

pytestmark = pytest.mark.usefixtures("settings")
SELECT = "SELECT s.id, s.at, lower(s.name) AS sort_name, s.name FROM list_sample s"
NEWEST = lists.newest_first("s", "at")


@pytest.fixture
async def sample(superuser: asyncpg.Connection) -> asyncpg.Connection:
    """Seven rows; two share an instant and two a name but for its case."""
    await superuser.execute("CREATE TEMP TABLE IF NOT EXISTS list_sample (id uuid PRIMARY KEY, at timestamptz, name text)")
    await superuser.execute("TRUNCATE list_sample")
    start = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    for number, name in enumerate(("beta", "Alpha", "alpha", "delta", "gamma", "Zeta", "eta")):
        at = start + dt.timedelta(minutes=number // 2)
        await superuser.execute("INSERT INTO list_sample VALUES ($1, $2, $3)", uuid.UUID(int=number), at, name)
    return superuser


async def names(conn: asyncpg.Connection, order: lists.Order, *, limit: int, **equal: str) -> list[list[str]]:
    """All pages of the sample in `order`, by name."""
    found, cursor = [], None
    while True:
        page = await lists.read_page(conn, SELECT, lists.Where().add_equal(**equal), order, cursor=cursor, limit=limit)
        found.append([row["name"] for row in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_pages_follow_one_another_without_gap_or_repeat(sample: asyncpg.Connection) -> None:
    assert await names(sample, NEWEST, limit=3) == [["eta", "Zeta", "gamma"], ["delta", "alpha", "Alpha"], ["beta"]]
    assert await names(sample, lists.reverse(NEWEST), limit=4) == [["beta", "Alpha", "alpha", "delta"], ["gamma", "Zeta", "eta"]]
    assert await names(sample, lists.by_name("s"), limit=2) == [["Alpha", "alpha"], ["beta", "delta"], ["eta", "gamma"], ["Zeta"]]


async def test_a_page_leads_back_to_the_one_before(sample: asyncpg.Connection) -> None:
    for order in (NEWEST, lists.reverse(NEWEST), lists.by_name("s")):
        first = await lists.read_page(sample, SELECT, lists.Where(), order, limit=3)
        assert first.previous_cursor is None
        second = await lists.read_page(sample, SELECT, lists.Where(), order, cursor=first.next_cursor, limit=3)
        again = await lists.read_page(sample, SELECT, lists.Where(), order, cursor=second.previous_cursor, limit=3)
        assert (again.items, again.next_cursor, again.previous_cursor) == (first.items, first.next_cursor, None)


async def test_a_condition_confines_every_page(sample: asyncpg.Connection) -> None:
    assert await names(sample, NEWEST, limit=5, name="gamma") == [["gamma"]]
    where = lists.Where().add("s.name > ? AND s.name < ?", "b", "f").add("s.id <> ?", uuid.UUID(int=0))
    page = await lists.read_page(sample, SELECT, where, NEWEST)
    assert [row["name"] for row in page.items] == ["eta", "delta"]
    assert page.next_cursor is None


async def test_another_lists_cursor_is_refused(sample: asyncpg.Connection) -> None:
    page = await lists.read_page(sample, SELECT, lists.Where(), lists.by_name("s"), limit=2)
    with pytest.raises(BadCursor):
        await lists.read_page(sample, SELECT, lists.Where(), NEWEST, cursor=page.next_cursor)
    with pytest.raises(BadCursor):
        await lists.read_page(sample, SELECT, lists.Where(), NEWEST, cursor="nonsense")


def request_for(query: str) -> Request:
    """A request of /admin/things with the query."""
    scope = {"type": "http", "method": "GET", "path": "/admin/things", "query_string": query.encode(), "headers": [], "server": ("x", 80)}
    return Request(scope)


def test_addresses_keep_search_and_filters() -> None:
    here = request_for("q=a%26b&status=open&cursor=abc")
    assert web_lists.page_links(here, Page([], "def", "xyz")) == {
        "first_href": "/admin/things?q=a%26b&status=open",
        "prev_href": "/admin/things?q=a%26b&status=open&cursor=xyz",
        "next_href": "/admin/things?q=a%26b&status=open&cursor=def",
    }
    assert web_lists.page_links(request_for(""), Page([])) == {"first_href": None, "prev_href": None, "next_href": None}
    assert web_lists.with_filter(here, status=None) == "/admin/things?q=a%26b"
    assert web_lists.with_filter(here, status="closed") == "/admin/things?q=a%26b&status=closed"


def test_heads_of_columns_turn_the_order_around() -> None:
    here = request_for("q=a&sort=-created&cursor=abc")
    assert web_lists.sort_heads(here, "-created", ["name", "-created"]) == {
        "name": {"href": "/admin/things?q=a&sort=name", "sort": None},
        "created": {"href": "/admin/things?q=a&sort=created", "sort": "desc"},
    }
    assert web_lists.sort_heads(here, "name", ["name"])["name"] == {"href": "/admin/things?q=a&sort=-name", "sort": "asc"}
