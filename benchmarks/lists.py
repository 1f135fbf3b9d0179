"""Pages of long lists against a look-up by primary key, in one run, over the same HTTP stack.

    python -m benchmarks.lists [--cards 1000000] [--calls 300]

One web process and one keep-alive connection, durable database, requests in turn: a card by its id (`GET /api/v1/merchants/loyalty/
cards/{card_id}`), the list's first page, a page from anywhere in it, and again. The 95th percentiles are compared. Before, every
statement of every list is explained: no large table is read as a whole, nothing is skipped by an offset, no tenant's table is counted.
"""

import argparse
import asyncio
import dataclasses
import http.client
import random
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from pydantic import SecretStr

from app.core.audit_log import Wanted
from app.core.config import Settings
from app.core.context import SYSTEM, Actor, Ctx, PlatformCtx, Principal, platform_unit_of_work, unit_of_work
from app.core.db import migrate
from app.core.db.engine import Database
from app.core.pagination import Page, encode_cursor
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.services import card_service, people_service, platform_service
from app.modules.loyalty.services.people_service import PeopleFilter, PeopleSort
from app.modules.loyalty.services.platform_service import CardsWanted
from app.modules.tenancy.services import audit_service
from app.ops import bootstrap_roles
from app.ops.embedded_postgres import SUPERUSER, ephemeral_postgres
from benchmarks import people, stamp
from benchmarks.data import Tenant, card_id

AIM = 3.0
PAGE = 25
PLACES = 64
"""Places in each list from which a next page is read."""
WARM_UP = 20
LARGE_ROWS = 5_000
FORBIDDEN = re.compile(r"\bOFFSET\b|\bcount\(\*\)", re.IGNORECASE)
SEQUENTIAL = re.compile(r"Seq Scan on (\w+)")
ADMIN = Principal(dataclasses.replace(SYSTEM, user_id=uuid.UUID(int=9)))

ReadPage = Callable[[Any, str | None], Awaitable[Page[Any]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """The 95th percentiles, in seconds, of a look-up, a list's first page and its other pages (0: it has one)."""

    look_up: float
    first: float
    further: float

    @property
    def ratio(self) -> float:
        """How many look-ups the dearer page costs."""
        return max(self.first, self.further) / self.look_up

    def __str__(self) -> str:
        milliseconds = [1e3 * value for value in (self.look_up, self.first, self.further)]
        return "look-up {:6.2f} ms | first page {:6.2f} ms | other pages {:6.2f} ms | ratio ".format(*milliseconds) + f"{self.ratio:.2f}"


@dataclasses.dataclass(frozen=True, slots=True)
class List:
    """A list: its name and address (relative to the API, with a query), how its page is read, and where places in it are found.

    `places` is SQL for the keys of some rows, in the cursor's order; $1 is the merchant. Without it the list has one page.
    """

    name: str
    path: str
    read: ReadPage
    places: str | None = None

    @property
    def is_platform(self) -> bool:
        """Whether the platform's admin reads it, or the merchant."""
        return self.path.startswith("admin/")


CARD_PLACES = "SELECT created_at, id FROM loyalty_cards WHERE merchant_id = $1 AND deleted_at IS NULL"
ALL_CARD_PLACES = "SELECT created_at, id FROM loyalty_cards WHERE deleted_at IS NULL AND $1::uuid IS NOT NULL"
OFF_PLACES = "SELECT created_at, id FROM loyalty_cards WHERE deleted_at IS NULL AND status = 'deactivated' AND $1::uuid IS NOT NULL"
CUSTOMER_PLACES = "SELECT id FROM customers WHERE merchant_id = $1"
NAME_PLACES = "SELECT last_name_search, first_name_search, id FROM customers WHERE merchant_id = $1"
AUDIT_PLACES = "SELECT at, id FROM core_audit_log WHERE $1::uuid IS NOT NULL"
OWN_AUDIT_PLACES = "SELECT at, id FROM core_audit_log WHERE merchant_id = $1"
OFF, ACTION = CardStatus.DEACTIVATED, "loyalty.card.deactivated"


def all_lists(tenant: Tenant, *, cards: int) -> list[List]:
    """Return every list that grows with the number of cards, and the search over all merchants."""

    async def merchant_cards(ctx: Ctx, cursor: str | None) -> Page[Any]:
        page = await card_queries.list_cards(ctx, cursor=cursor, limit=PAGE)
        await card_service.with_customers(ctx, page.items)
        return page

    def merchant_people(sort: PeopleSort) -> ReadPage:
        return lambda ctx, cursor: people_service.list_people(ctx, PeopleFilter(), sort=sort, cursor=cursor, limit=PAGE)

    def admin_cards(wanted: CardsWanted, sort: str = "-created") -> ReadPage:
        return lambda ctx, cursor: platform_service.list_cards(ctx, wanted, sort=sort, cursor=cursor, limit=PAGE)

    def admin_people(text: str = "", merchant_id: uuid.UUID | None = None) -> ReadPage:
        return lambda ctx, cursor: platform_service.list_people(ctx, text, merchant_id=merchant_id, cursor=cursor, limit=PAGE)

    def admin_audit(wanted: Wanted) -> ReadPage:
        async def read(ctx: PlatformCtx, cursor: str | None) -> Page[Any]:
            return (await audit_service.list_entries(ctx, wanted, cursor=cursor, limit=PAGE)).page

        return read

    merchant, somebody = tenant.merchant_id, f"p{cards // 3}@"
    own = f"merchant_id={merchant}"
    people_path, cards_path, audit_path = "admin/loyalty/customers?", "admin/loyalty/cards?", "admin/tenancy/audit?"
    return [
        List("merchant's cards", "merchants/loyalty/cards?", merchant_cards, CARD_PLACES),
        List("merchant's customers, newest", "merchants/loyalty/customers?", merchant_people(PeopleSort.NEWEST), CUSTOMER_PLACES),
        List("merchant's customers, by name", "merchants/loyalty/customers?sort=name", merchant_people(PeopleSort.NAME), NAME_PLACES),
        List("admin's cards", cards_path, admin_cards(CardsWanted()), ALL_CARD_PLACES),
        List("admin's cards, oldest first", f"{cards_path}sort=created", admin_cards(CardsWanted(), "created"), ALL_CARD_PLACES),
        List("admin's cards of a merchant", cards_path + own, admin_cards(CardsWanted(merchant_id=merchant)), CARD_PLACES),
        List("admin's cards, switched off", f"{cards_path}status=deactivated", admin_cards(CardsWanted(status=OFF)), OFF_PLACES),
        List("admin's customers of a merchant", people_path + own, admin_people(merchant_id=merchant), CUSTOMER_PLACES),
        List("admin's customers by e-mail", f"{people_path}q={somebody}", admin_people(somebody)),
        List("admin's audit log", audit_path, admin_audit(Wanted()), AUDIT_PLACES),
        List("admin's audit log of a merchant", audit_path + own, admin_audit(Wanted(merchant_id=merchant)), OWN_AUDIT_PLACES),
        List("admin's audit log, one action", f"{audit_path}action={ACTION}", admin_audit(Wanted(action=ACTION)), AUDIT_PLACES),
    ]


def open_work(database: Database, tenant: Tenant, *, is_platform: bool) -> Any:
    """Return a unit of work of the platform's admin, or of the merchant's owner."""
    if is_platform:
        return platform_unit_of_work(database, ADMIN)
    return unit_of_work(database, Principal(Actor(kind="user", role="owner"), tenant.merchant_id))


async def find_places(conn: asyncpg.Connection, listed: List, tenant: Tenant) -> list[str]:
    """Return cursors from all over a list."""
    if listed.places is None:
        return []
    rows = await conn.fetch(f"{listed.places} ORDER BY random() LIMIT {PLACES}", tenant.merchant_id)
    return [encode_cursor([value.isoformat() if hasattr(value, "isoformat") else str(value) for value in row]) for row in rows]


async def find_faults(database: Database, tenant: Tenant, listed: List, cursors: Sequence[str | None]) -> list[str]:
    """Return what is wrong with how a list is read: statements that skip or count, and plans that read a large table as a whole."""
    found: list[str] = []
    for cursor in cursors:
        asked: list[tuple[str, tuple[Any, ...]]] = []

        def note(record: Any, asked: list[tuple[str, tuple[Any, ...]]] = asked) -> None:
            asked.append((record.query, tuple(record.args)))

        async with open_work(database, tenant, is_platform=listed.is_platform) as ctx:
            ctx.conn.add_query_logger(note)
            try:
                await listed.read(ctx, cursor)
                await asyncio.sleep(0)  # the driver tells of a statement in the loop's next round
            finally:
                ctx.conn.remove_query_logger(note)
            for query, arguments in asked:
                found += [f"{listed.name}: {match[0]}" for match in FORBIDDEN.finditer(query)]
                lines = await ctx.conn.fetch(f"EXPLAIN {query}", *arguments)
                for match in SEQUENTIAL.finditer("\n".join(line[0] for line in lines)):
                    rows = await ctx.conn.fetchval("SELECT reltuples FROM pg_class WHERE relname = $1", match[1])
                    found += [f"{listed.name}: reads {match[1]} as a whole"] * (rows >= LARGE_ROWS)
    return list(dict.fromkeys(found))


async def check(database: Database, conn: asyncpg.Connection, tenant: Tenant, *, cards: int) -> dict[str, list[str]]:
    """Return places in each list, by its name; stop with a sentence when a list is read wrongly."""
    found, faults = {}, []
    for listed in all_lists(tenant, cards=cards):
        found[listed.name] = await find_places(conn, listed, tenant)
        faults += await find_faults(database, tenant, listed, [None, *found[listed.name][:8]])
    if faults:
        raise SystemExit("\n".join(faults))
    return found


class Caller:
    """One keep-alive connection to the web process, as a merchant's owner and as the platform's admin."""

    def __init__(self, port: int, cookies: dict[bool, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies = cookies

    def get(self, path: str, *, is_platform: bool) -> float:
        """Return the seconds until the whole answer was there; stop when it is not a success."""
        started = time.perf_counter()
        self._connection.request("GET", f"/api/v1/{path}", headers={"Cookie": self._cookies[is_platform]})
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - started
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:500]!r}")
        return seconds


def measure(port: int, cookies: dict[bool, str], listed: List, places: Sequence[str], *, cards: int, calls: int) -> Figures:
    """Ask in turn for a card, the list's first page and a page of `places`; return the 95th percentiles."""
    caller, source = Caller(port, cookies), random.Random(7)
    kinds: tuple[list[float], list[float], list[float]] = ([], [], [])
    for _ in range(calls + WARM_UP):
        kinds[0].append(caller.get(f"merchants/loyalty/cards/{card_id(source.randint(1, cards // 2))}", is_platform=False))
        kinds[1].append(caller.get(listed.path, is_platform=listed.is_platform))
        if places:
            kinds[2].append(caller.get(f"{listed.path}&cursor={source.choice(places)}", is_platform=listed.is_platform))
    look_up, first, further = (sorted(seconds[WARM_UP:])[int(0.95 * (calls - 1))] if seconds else 0.0 for seconds in kinds)
    return Figures(look_up, first, further)


def main() -> None:
    """Measure, print the ratios, and stop with an error when a page costs more than three look-ups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    with stamp.platform_settings(), ephemeral_postgres(durable=True, settings=stamp.POSTGRES) as server:
        migrate.upgrade(server.url_owner)
        started = time.monotonic()
        url = server.url(SUPERUSER, bootstrap_roles.DATABASE)
        settings = Settings(database_url=SecretStr(server.url_app), platform_database_url=SecretStr(server.url_platform), env="test")

        async def prepare() -> tuple[Tenant, dict[bool, str], dict[str, list[str]]]:
            tenant, cookies = await people.create(url, cards=arguments.cards)
            database, conn = Database.from_settings(settings), await asyncpg.connect(url)
            try:
                return tenant, cookies, await check(database, conn, tenant, cards=arguments.cards)
            finally:
                await conn.close()
                await database.dispose()

        tenant, cookies, places = asyncio.run(prepare())
        print(f"{arguments.cards:,} cards of {people.OTHERS + 1} merchants built in {time.monotonic() - started:.0f} s", flush=True)
        print("no list reads a large table as a whole, skips rows or counts them", flush=True)
        worst = {}
        with stamp.web(server, workers=1) as port:
            for listed in all_lists(tenant, cards=arguments.cards):
                figures = measure(port, cookies, listed, places[listed.name], cards=arguments.cards, calls=arguments.calls)
                print(f"  {listed.name:<34}{figures}", flush=True)
                worst[listed.name] = figures.ratio
    print(f"{arguments.cards:,} cards: the dearest page costs {max(worst.values()):.2f} look-ups by primary key (aim: {AIM:.0f})")
    if late := [f"{name}: {ratio:.2f}" for name, ratio in worst.items() if ratio > AIM]:
        raise SystemExit("more than the aim: " + ", ".join(late))


if __name__ == "__main__":
    main()
