"""Cursors, permissions, module definitions, audit."""

import base64
import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg
import pytest

from app.core import audit, permissions
from app.core.config import Settings
from app.core.context import Actor, Principal, unit_of_work
from app.core.credentials import counted_address
from app.core.db.engine import Database
from app.core.modules import InvalidModule, MenuItem, ModuleDefinition, Schedule, check_modules
from app.core.pagination import (
    MOST_SIFTED,
    BadCursor,
    Page,
    Spot,
    decode_cursor,
    encode_cursor,
    page_at,
    page_of,
    parse_instant,
    read_cursor,
    read_spot,
    sifted_page,
)
from app.core.permissions import OWNERS, STAFF, Permission


def test_a_cursor_returns_what_it_was_made_of(settings: Settings) -> None:
    values: list[str | int] = ["2026-05-01T10:00:00+00:00", "019a", 7]
    assert decode_cursor(encode_cursor(values)) == values


@pytest.mark.parametrize("cursor", ["", "A", "AAAA", "!!!!", "é", "A" * 500, base64.urlsafe_b64encode(b"\0" * 12 + b"[1]").decode()])
def test_a_cursor_that_is_not_ours_is_refused(settings: Settings, cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(cursor)


def test_a_cursor_with_one_changed_character_is_refused(settings: Settings) -> None:
    cursor = encode_cursor(["2026-05-01", "x"])
    for place in range(len(cursor) - 1):
        changed = cursor[:place] + ("B" if cursor[place] != "B" else "C") + cursor[place + 1 :]
        with pytest.raises(BadCursor):
            decode_cursor(changed)


def test_a_page_has_a_cursor_only_when_there_is_more(settings: Settings) -> None:
    more, last = page_of([1, 2, 3], 2, lambda row: [row]), page_of([1, 2], 2, lambda row: [row])
    assert (more.items, last.items, last.next_cursor) == ([1, 2], [1, 2], None)
    assert more.next_cursor is not None
    assert decode_cursor(more.next_cursor) == [2]


@pytest.mark.parametrize(
    "values",
    [
        ["2026-05-01T10:00:00+00:00"],
        ["2026-05-01T10:00:00", "01990000-0000-7000-8000-000000000000"],
        ["Bäckerei", "01990000-0000-7000-8000-000000000000"],
        ["2026-05-01T10:00:00+00:00", "x"],
        ["2026-05-01T10:00:00+00:00", 7],
    ],
)
def test_a_cursor_of_another_list_is_refused(settings: Settings, values: list[str | int]) -> None:
    """All cursors carry our signature; that of one list, given to another, is a caller's mistake and not ours."""
    with pytest.raises(BadCursor):
        read_cursor(encode_cursor(values), parse_instant, uuid.UUID)


def test_an_ipv6_caller_is_counted_by_the_network_that_is_theirs() -> None:
    assert counted_address("2001:db8:1:2::1") == counted_address("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert counted_address("2001:db8:1:3::1") != counted_address("2001:db8:1:2::1")
    assert [counted_address(address) for address in ("192.0.2.7", "testclient", None)] == ["192.0.2.7", "testclient", ""]


def test_a_right_of_the_whole_business_is_not_for_who_is_bound_to_a_store() -> None:
    permissions.register([Permission("small.business.do", STAFF, is_for_whole_business=True)])
    assert permissions.is_allowed("small.business.do", "staff")
    assert not permissions.is_allowed("small.business.do", "staff", bound_to=uuid.uuid4())


def test_permissions_are_declared_once() -> None:
    permissions.register([Permission("small.thing.do", STAFF)])
    permissions.register([Permission("small.thing.do", STAFF)])
    assert permissions.is_allowed("small.thing.do", "staff")
    assert not permissions.is_allowed("small.thing.do", "customer")
    assert not permissions.is_allowed("small.thing.do", None)
    with pytest.raises(ValueError, match="declared twice"):
        permissions.register([Permission("small.thing.do", OWNERS)])
    with pytest.raises(KeyError):
        permissions.is_allowed("small.thing.unheard_of", "owner")


@pytest.mark.parametrize(
    "definition",
    [
        ModuleDefinition("small", tasks={"other.do": "x:y"}),
        ModuleDefinition("small", handlers={"loyalty.card_enrolled": ("small.unknown",)}),
        ModuleDefinition("small", beat=(Schedule("small.unknown", seconds=60),)),
        ModuleDefinition("small", tasks={"small.do": "x:y"}, beat=(Schedule("small.do"),)),
        ModuleDefinition("small", menu=(MenuItem("merchant", "Label", "home", "/x", "small.unheard_of"),)),
    ],
)
def test_a_contradicting_module_does_not_start(definition: ModuleDefinition) -> None:
    with pytest.raises(InvalidModule):
        check_modules([definition])


async def test_an_audit_entry_says_who_did_what_from_where(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, user_id, target_id = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    actor = Actor(kind="user", role="owner", user_id=user_id, address="192.0.2.7")
    now = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    async with unit_of_work(database, Principal(actor, merchant_id), request_id="r-1", now=now) as ctx:
        await audit.record(ctx, "small.thing.do", "thing", target_id, old=1, new=2, reason="why")
    [entry] = await superuser.fetch("SELECT * FROM core_audit_log WHERE target_id = $1", target_id)
    assert (entry["merchant_id"], entry["at"], entry["actor_kind"], entry["actor_id"]) == (merchant_id, now, "user", user_id)
    assert (entry["request_id"], entry["address"], entry["details"]) == ("r-1", "192.0.2.7", {"old": 1, "new": 2, "reason": "why"})


def beyond(spot: Spot, count: int, size: int = 23) -> list[int]:
    """The numbers from 0 on as a list is read: nearest to the spot first."""
    if spot.is_back:
        return list(range(spot.values[0] - 1, -1, -1))[:count]
    return list(range(spot.values[0] + 1 if spot.values else 0, size))[:count]


def test_a_list_is_walked_to_its_end_and_back(settings: Settings) -> None:
    def page(cursor: str | None) -> Page[int]:
        spot = read_spot(cursor, int)
        return page_at(beyond(spot, 6), 5, lambda number: [number], spot)

    found = page(None)
    forward, back = [found.items], []
    while found.next_cursor is not None:
        found = page(found.next_cursor)
        forward.append(found.items)
    assert forward == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14], [15, 16, 17, 18, 19], [20, 21, 22]]
    while found.previous_cursor is not None:
        found = page(found.previous_cursor)
        back.append(found.items)
    assert back == forward[-2::-1]
    assert found.next_cursor == encode_cursor([4])


@pytest.mark.parametrize("values", [[1, 2], ["<"], [1, ">"], ["x", "<"], []])
def test_a_spot_of_another_list_is_refused(settings: Settings, values: list[str | int]) -> None:
    with pytest.raises(BadCursor):
        read_spot(encode_cursor(values), int)


async def test_a_sifted_list_misses_nothing_and_stops_looking(settings: Settings) -> None:
    """A page looks at 5,000 rows at the most; the next one goes on where it stopped."""
    size = MOST_SIFTED * 2 + 10

    async def read(spot: Spot, count: int) -> list[int]:
        return beyond(spot, count, size)

    async def sift(numbers: Sequence[int]) -> list[int]:
        return [number for number in numbers if number < 3 or number >= size - 2]

    async def page(cursor: str | None) -> Page[int]:
        spot = read_spot(cursor, int)
        return await sifted_page(read, sift, position=lambda number: (number,), key=lambda number: [number], spot=spot, limit=2)

    found = await page(None)
    pages = [found.items]
    while found.next_cursor:
        found = await page(found.next_cursor)
        pages.append(found.items)
    assert pages == [[0, 1], [2], [], [size - 2, size - 1]]
    assert found.previous_cursor is not None
    assert (await page(found.previous_cursor)).items == []
