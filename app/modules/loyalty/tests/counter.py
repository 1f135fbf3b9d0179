"""A shop ready for business, for tests: a merchant with a program, staff with PINs, an opened terminal, cards.

shop = await make_shop(database, stores=2, points_per_euro="1")
card = await make_card(database, shop)
answer = await post(client, shop, "/stamp", {"card_id": str(card.id)})
"""

import dataclasses
import datetime as dt
import decimal
import itertools
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from app.core import clock
from app.core.context import Actor, Ctx, Principal, unit_of_work
from app.core.credentials import TERMINAL_COOKIE
from app.core.db.engine import Database
from app.core.ids import new_id
from app.modules.customers.public import ConsentSource
from app.modules.loyalty.domain.enums import PinRole, ProgramType
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.services import card_service, pin_service, program_service, reward_service
from app.modules.loyalty.services.card_service import Applicant
from app.modules.tenancy import public as tenancy
from app.modules.tenancy.tests.factories import MadeMerchant, MadeStore, make_merchant, merchant_ctx

API = "/api/v1/store/loyalty"
STAFF_PIN = "739205"
MANAGER_PIN = "846097"

_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, slots=True)
class Counter:
    """One store's counter: its staff, and the token of a terminal that the staff member has opened."""

    store: MadeStore
    staff_pin_id: uuid.UUID
    manager_pin_id: uuid.UUID
    terminal_id: uuid.UUID
    token: str

    def manager_proof(self) -> dict[str, str]:
        """Return the manager's PIN as a body carries it."""
        return {"pin_id": str(self.manager_pin_id), "pin": MANAGER_PIN}

    def staff_proof(self) -> dict[str, str]:
        """Return the staff member's PIN as a body carries it."""
        return {"pin_id": str(self.staff_pin_id), "pin": STAFF_PIN}


@dataclasses.dataclass(frozen=True, slots=True)
class Shop:
    """A merchant with a program and one counter per store."""

    merchant: MadeMerchant
    program: Program
    counters: list[Counter]

    @property
    def counter(self) -> Counter:
        """The first store's counter."""
        return self.counters[0]

    @property
    def id(self) -> uuid.UUID:
        """The merchant's id."""
        return self.merchant.id


async def make_shop(
    database: Database,
    *,
    stores: int = 1,
    is_open: bool = True,
    is_cross_location: bool = True,
    now: dt.datetime | None = None,
    **rules: Any,
) -> Shop:
    """Make a merchant with a program of stamps and points and a counter in each store; `rules` are fields of ProgramForm."""
    merchant = await make_merchant(database, stores=stores, now=now)
    form: dict[str, Any] = {"type": ProgramType.BOTH, "name": "Bäckerei", "card_name": "Stammkaart", "colour": "#1f6f54"} | rules
    form["points_per_euro"] = decimal.Decimal(str(form.get("points_per_euro", 1)))
    async with merchant_ctx(database, merchant, now=now) as ctx:
        program = await program_service.save_program(ctx, program_service.ProgramForm(**form))
        if not is_cross_location:
            await program_service.set_cross_location(ctx, is_on=False)
    return Shop(merchant, program, [await make_counter(database, merchant, store, is_open=is_open, now=now) for store in merchant.stores])


async def make_counter(
    database: Database, merchant: MadeMerchant, store: MadeStore, *, is_open: bool = True, now: dt.datetime | None = None
) -> Counter:
    """Give a store two people with PINs and a paired terminal, opened by the staff member for an hour unless told otherwise."""
    async with merchant_ctx(database, merchant, store=store, now=now) as ctx:
        staff = await pin_service.create_pin(ctx, store_id=store.id, display_name="Anouk", role=PinRole.STAFF, pin=STAFF_PIN)
        manager = await pin_service.create_pin(ctx, store_id=store.id, display_name="Marc", role=PinRole.MANAGER, pin=MANAGER_PIN)
        terminal_id = new_id()
        await ctx.conn.execute(
            "INSERT INTO loyalty_terminals (merchant_id, id, store_id, name, paired_at, created_at) VALUES ($1, $2, $3, 'Kasse', $4, $4)",
            merchant.id, terminal_id, store.id, ctx.now,
        )  # fmt: skip
        session = await tenancy.create_session(ctx, "terminal", store_id=store.id, terminal_id=terminal_id)
        if is_open:
            await tenancy.set_unlocked(ctx, session.id, staff, ctx.now + dt.timedelta(hours=1))
    return Counter(store, staff, manager, terminal_id, session.token)


def counter_ctx(database: Database, shop: Shop, counter: Counter | None = None, *, now: dt.datetime | None = None) -> Any:
    """A committed unit of work at a counter that the staff member has opened."""
    place = counter or shop.counter
    at = now or clock.now()
    actor = Actor(
        kind="terminal",
        role="staff",
        is_at_counter=True,
        store_id=place.store.id,
        store_zone=place.store.zone,
        terminal_id=place.terminal_id,
        staff_pin_id=place.staff_pin_id,
        unlocked_until=at + dt.timedelta(minutes=5),
    )
    return unit_of_work(database, Principal(actor, shop.id, "fr"), now=at)


def applicant(email: str | None = None, **fields: Any) -> Applicant:
    """Return somebody who wants a card."""
    given: dict[str, Any] = {
        "first_name": "Léa",
        "last_name": "Weber",
        "email": email or f"lea.{next(_numbers)}.{uuid.uuid4().hex[:8]}@example.lu",
        "locale": "lb",
        "source": ConsentSource.TERMINAL,
    }
    return Applicant(**given | fields)


async def enroll(ctx: Ctx, store_id: uuid.UUID, person: Applicant) -> Card:
    """Enroll `person` through the real service."""
    return (await card_service.enroll_customer(ctx, store_id=store_id, applicant=person)).card


async def make_card(
    database: Database, shop: Shop, *, person: Applicant | None = None, counter: Counter | None = None, now: dt.datetime | None = None
) -> Card:
    """Make a card at the first (or the given) counter."""
    place = counter or shop.counter
    async with counter_ctx(database, shop, place, now=now) as ctx:
        return await enroll(ctx, place.store.id, person or applicant())


async def make_reward(database: Database, shop: Shop, *, cost_points: int, name: str = "Croissant") -> uuid.UUID:
    """Make a reward that points buy and return its id."""
    async with merchant_ctx(database, shop.merchant) as ctx:
        return (await reward_service.create_reward(ctx, name=name, description="", cost_points=cost_points)).id


async def post(
    client: httpx.AsyncClient, shop: Shop, path: str, body: Mapping[str, Any], *, key: str | None = None, counter: Counter | None = None
) -> httpx.Response:
    """Send a JSON POST to the store's API from a counter's terminal, with a fresh key unless one is given."""
    token = (counter or shop.counter).token
    headers = {"Idempotency-Key": key or str(new_id()), "Cookie": f"{TERMINAL_COOKIE}={token}"}
    return await client.post(API + path, json=dict(body), headers=headers)
