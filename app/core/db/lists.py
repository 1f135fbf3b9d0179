"""Long lists, a page at a time: filters and a place in an order, never an offset or a count.

A filter that is not set is not in the statement. `$1 IS NULL OR column = $1` would be one statement for all, but its kept plan
knows no filter, and reads on from the list's beginning for every page.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import asyncpg

from app.core import pagination
from app.core.pagination import Page, Spot, page_at, read_spot, sifted_page

Sift = Callable[[Sequence[asyncpg.Record]], Awaitable[Sequence[asyncpg.Record]]]
"""Returns those of some rows that a list shall show."""


@dataclasses.dataclass(slots=True)
class Where:
    """Conditions and their values; `?` in a condition stands for the next value."""

    conditions: list[str] = dataclasses.field(default_factory=list)
    values: list[Any] = dataclasses.field(default_factory=list)

    def add(self, condition: str, *values: Any) -> "Where":
        """Ask for `condition` as well; return this."""
        for value in values:
            condition = condition.replace("?", self.bind(value), 1)
        self.conditions.append(condition)
        return self

    def add_equal(self, **columns: Any) -> "Where":
        """Ask that each of `columns` has its value; those with None are not asked for."""
        for column, value in columns.items():
            if value is not None:
                self.add(f"{column} = ?", value)
        return self

    def copy(self) -> "Where":
        """Return the same conditions, to be added to by themselves."""
        return Where(list(self.conditions), list(self.values))

    def bind(self, value: Any) -> str:
        """Return the placeholder for one more value."""
        self.values.append(value)
        return f"${len(self.values)}"

    @property
    def sql(self) -> str:
        """The clause."""
        return " AND ".join(self.conditions) or "true"


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A part of an order: its expression, the name that the statement selects it by, and how a cursor's text is read."""

    expression: str
    name: str
    parse: Callable[[str], Any] = str


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """The order of a list. The keys together are unique, and an index holds them in this order."""

    keys: tuple[Key, ...]
    is_descending: bool = False

    def spot(self, cursor: str | None) -> Spot:
        """Return the place in the list that `cursor` names; BadCursor when it is not ours or that of another list."""
        return read_spot(cursor, *(key.parse for key in self.keys))

    def sql(self, spot: Spot) -> str:
        """Return the clause that sorts the nearest to `spot` first."""
        is_down = self.is_descending != spot.is_back
        return ", ".join(f"{key.expression} DESC" if is_down else key.expression for key in self.keys)

    def go_on_from(self, where: Where, spot: Spot) -> None:
        """Ask for what lies beyond `spot`."""
        if not spot.is_first:
            columns = ", ".join(key.expression for key in self.keys)
            sign = "<" if self.is_descending != spot.is_back else ">"
            where.add(f"({columns}) {sign} ({', '.join('?' for _ in self.keys)})", *spot.values)

    def values_of(self, row: asyncpg.Record) -> tuple[Any, ...]:
        """Return the row's place in the list."""
        return tuple(row[key.name] for key in self.keys)

    def cursor_of(self, row: asyncpg.Record) -> Sequence[str]:
        """Return the values of a cursor that goes on after `row`."""
        return [_text(value) for value in self.values_of(row)]


def newest_first(table: str, column: str = "created_at") -> Order:
    """Return the order of rows of `table` by an instant and id, the latest first; the statement selects both by their names."""
    return Order(
        (Key(f"{table}.{column}", column, pagination.parse_instant), Key(f"{table}.id", "id", uuid.UUID)),
        is_descending=True,
    )


def by_name(table: str, column: str = "name") -> Order:
    """Return the order of rows of `table` by name, upper and lower case alike; the statement selects `sort_name` and `id`."""
    return Order((Key(f"lower({table}.{column})", "sort_name"), Key(f"{table}.id", "id", uuid.UUID)))


def reverse(order: Order) -> Order:
    """Return `order` from its other end."""
    return dataclasses.replace(order, is_descending=not order.is_descending)


def choose(orders: Mapping[str, Order], sort: str) -> Order:
    """Return the order that `sort` names, such as "name" or "-created": with a minus from its other end."""
    order = orders[sort.removeprefix("-")]
    return reverse(order) if sort.startswith("-") else order


async def read_page(
    conn: asyncpg.Connection, select: str, where: Where, order: Order, *, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE
) -> Page[asyncpg.Record]:
    """Return the page at `cursor` (after a row, or before one) of the rows of `select` ("SELECT … FROM …") that `where` asks for.

    BadCursor.
    """
    spot = order.spot(cursor)
    return page_at(await read_rows(conn, select, where, order, spot, limit + 1), limit, order.cursor_of, spot)


async def read_sifted_page(
    conn: asyncpg.Connection,
    select: str,
    where: Where,
    order: Order,
    *,
    sift: Sift,
    cursor: str | None = None,
    limit: int = pagination.DEFAULT_PAGE,
) -> Page[asyncpg.Record]:
    """Like `read_page`, of those rows only that `sift` returns of the ones it is given: for a filter that no index serves.

    As a page looks at so many rows and no more, it may be short, or empty, although others follow.
    """
    spot = order.spot(cursor)

    async def read(here: Spot, count: int) -> Sequence[asyncpg.Record]:
        return await read_rows(conn, select, where.copy(), order, here, count)

    return await sifted_page(read, sift, position=order.values_of, key=order.cursor_of, spot=spot, limit=limit)


def sift_by(column: str, sift: Callable[[Sequence[uuid.UUID]], Awaitable[Collection[uuid.UUID]]]) -> Sift:
    """Return a sift of rows that keeps those whose id in `column` is among the ids that `sift` returns."""

    async def keep(rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
        passing = await sift([row[column] for row in rows])
        return [row for row in rows if row[column] in passing]

    return keep


async def read_rows(conn: asyncpg.Connection, select: str, where: Where, order: Order, spot: Spot, count: int) -> Sequence[asyncpg.Record]:
    """Return up to `count` rows from `spot` on, the nearest first; `where` is used up."""
    order.go_on_from(where, spot)
    statement = " ".join((select, "WHERE", where.sql, "ORDER BY", order.sql(spot), "LIMIT", where.bind(count)))
    rows: Sequence[asyncpg.Record] = await conn.fetch(statement, *where.values)
    return rows


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
