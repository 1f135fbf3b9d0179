"""Programs, cards, staff and terminals for tests of every module, made by the real services. Rows are committed.

shop = await make_shop(database, stores=2)                     # merchant, program, settings
card = await make_card(database, shop.merchant)                # a person enrolled at the first store
await stamp(database, shop.merchant, card, 3)                  # three stamps in the ledger
client.cookies.update(make_terminal_cookie(await make_terminal(database, shop.merchant)))
"""

import dataclasses
import datetime as dt
import decimal
import itertools
import uuid
from typing import Any

from app.core import idempotency
from app.core.context import SYSTEM, Principal, platform_unit_of_work
from app.core.db.engine import Database
from app.core.idempotency import IdempotencyKey
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.domain.enums import PinPolicy, PinRole, ProgramType, VoidPolicy
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.queries.rewards import Reward
from app.modules.loyalty.services import (
    card_service,
    pin_service,
    points_service,
    program_service,
    reward_service,
    stamp_service,
    terminal_service,
)
from app.modules.loyalty.services.card_service import Applicant
from app.modules.loyalty.services.ledger import Posted
from app.modules.loyalty.services.program_service import ProgramForm, SettingsForm
from app.modules.tenancy.tests.factories import MadeMerchant, MadeStore, make_merchant, merchant_ctx, terminal_cookie

PIN = "739205"
MANAGER_PIN = "846013"

_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, slots=True)
class MadeShop:
    """A merchant with a live program that gives stamps and points, one point a euro, a reward at ten stamps."""

    merchant: MadeMerchant
    program: Program


@dataclasses.dataclass(frozen=True, slots=True)
class MadeCard:
    """A card and who holds it."""

    id: uuid.UUID
    customer_id: uuid.UUID
    number: str
    qr_token: str
    email: str
    store_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class MadePin:
    """A staff member and their PIN."""

    id: uuid.UUID
    pin: str = dataclasses.field(repr=False)
    store_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class MadeTerminal:
    """A paired terminal and its session's token."""

    id: uuid.UUID
    session_id: uuid.UUID
    token: str = dataclasses.field(repr=False)


def make_terminal_cookie(terminal: MadeTerminal) -> dict[str, str]:
    """The cookie of the terminal, for `client.cookies.update(…)`."""
    return terminal_cookie(terminal.token)


def a_key() -> IdempotencyKey:
    """A key that nobody has used."""
    text = str(new_id())
    return IdempotencyKey(text, idempotency.fingerprint(text))


def program_form(**changes: Any) -> ProgramForm:
    """A valid program of stamps and points; name what should differ."""
    values: dict[str, Any] = {
        "type": ProgramType.BOTH, "name": "Treueprogramm", "card_name": "Brotkarte", "colour": "#12654b", "stamp_reward": "Ein Kaffee",
        "points_per_euro": decimal.Decimal(1),
    }  # fmt: skip
    return ProgramForm(**values | changes)


async def make_program(database: Database, merchant: MadeMerchant, *, now: dt.datetime | None = None, **changes: Any) -> Program:
    """Save the merchant's program; fields of ProgramForm by name."""
    async with merchant_ctx(database, merchant, now=now) as ctx:
        return await program_service.save_program(ctx, program_form(**changes))


async def make_settings(database: Database, merchant: MadeMerchant, **changes: Any) -> None:
    """Save the merchant's settings; fields of SettingsForm by name, and `cross_location`."""
    is_cross_location = changes.pop("cross_location", None)
    values: dict[str, Any] = {
        "pin_policy": PinPolicy.REQUIRED, "pin_length": 6, "unlock_minutes": 5, "max_pin_attempts": 5, "pin_lock_minutes": 15,
        "void_policy": VoidPolicy.BLOCK, "redeem_limit_points": None,
    }  # fmt: skip
    async with merchant_ctx(database, merchant) as ctx:
        await program_service.save_settings(ctx, SettingsForm(**values | changes))
        if is_cross_location is not None:
            await program_service.set_cross_location(ctx, is_on=is_cross_location)


async def make_shop(
    database: Database, *, stores: int = 1, cross_location: bool = True, now: dt.datetime | None = None, **program: Any
) -> MadeShop:
    """Make a merchant with a program; `program` are fields of ProgramForm."""
    merchant = await make_merchant(database, stores=stores, now=now)
    made = await make_program(database, merchant, now=now, **program)
    if not cross_location:
        await make_settings(database, merchant, cross_location=False)
    return MadeShop(merchant, made)


async def make_reward(database: Database, merchant: MadeMerchant, *, cost_points: int = 100, **changes: Any) -> Reward:
    """Add a reward to the merchant's program."""
    values: dict[str, Any] = {"name": f"Frühstück {next(_numbers)}", "description": "Für zwei", "cost_points": cost_points}
    async with merchant_ctx(database, merchant) as ctx:
        return await reward_service.create_reward(ctx, **values | changes)


async def make_pin(
    database: Database,
    merchant: MadeMerchant,
    *,
    store: MadeStore | None = None,
    role: PinRole = PinRole.STAFF,
    pin: str | None = None,
    email: str | None = None,
) -> MadePin:
    """Give somebody at a store (the first unless given) a PIN; a manager's differs from staff's."""
    place = store or merchant.store
    digits = pin or (MANAGER_PIN if role is PinRole.MANAGER else PIN)
    async with merchant_ctx(database, merchant, store=place) as ctx:
        pin_id = await pin_service.create_pin(
            ctx, store_id=place.id, display_name=f"Person {next(_numbers)}", role=role, pin=digits, email=email
        )
    return MadePin(pin_id, digits, place.id)


async def make_terminal(
    database: Database, merchant: MadeMerchant, *, store: MadeStore | None = None, name: str = "Kasse 1"
) -> MadeTerminal:
    """Pair a terminal with a store (the first unless given), by code like a real one."""
    place = store or merchant.store
    async with merchant_ctx(database, merchant, store=place) as ctx:
        code = await terminal_service.create_pairing_code(ctx, store_id=place.id, name=name)
    async with platform_unit_of_work(database, Principal(SYSTEM)) as platform:
        pairing = await terminal_service.pair(platform, code.code)
    return MadeTerminal(pairing.terminal_id, pairing.session.id, pairing.session.token)


def an_applicant(**changes: Any) -> Applicant:
    """Somebody nobody knows yet."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "first_name": "Léa", "last_name": f"Weber{number}", "email": f"lea-{uuid.uuid4().hex[:16]}@example.lu", "locale": "lb",
        "source": customers.ConsentSource.TERMINAL,
    }  # fmt: skip
    return Applicant(**values | changes)


async def make_card(
    database: Database,
    merchant: MadeMerchant,
    *,
    store: MadeStore | None = None,
    stamps: int = 0,
    amount_cents: int = 0,
    now: dt.datetime | None = None,
    **applicant: Any,
) -> MadeCard:
    """Enroll somebody at a store (the first unless given), with `stamps` and a purchase of `amount_cents` booked on the card."""
    place = store or merchant.store
    person = an_applicant(**applicant)
    async with merchant_ctx(database, merchant, store=place, now=now) as ctx:
        enrollment = await card_service.enroll_customer(ctx, store_id=place.id, applicant=person)
    card = enrollment.card
    made = MadeCard(card.id, enrollment.customer_id, card.card_number, card.qr_token, person.email, place.id)
    if stamps:
        await stamp(database, merchant, made, stamps, store=place, now=now)
    if amount_cents:
        await earn(database, merchant, made, amount_cents, store=place, now=now)
    return made


async def stamp(
    database: Database,
    merchant: MadeMerchant,
    card: MadeCard,
    count: int = 1,
    *,
    store: MadeStore | None = None,
    now: dt.datetime | None = None,
) -> Posted:
    """Add stamps to a card, as the manager."""
    async with merchant_ctx(database, merchant, role="manager", store=store, now=now) as ctx:
        return await stamp_service.add_stamps(ctx, card_id=card.id, count=count, key=a_key(), present=_nothing)


async def earn(
    database: Database,
    merchant: MadeMerchant,
    card: MadeCard,
    amount_cents: int,
    *,
    store: MadeStore | None = None,
    now: dt.datetime | None = None,
) -> Posted:
    """Book a purchase, as the manager."""
    async with merchant_ctx(database, merchant, role="manager", store=store, now=now) as ctx:
        return await points_service.earn_points(ctx, card_id=card.id, amount_cents=amount_cents, key=a_key(), present=_nothing)


async def redeem_points(database: Database, merchant: MadeMerchant, card: MadeCard, reward: Reward, **choices: Any) -> Posted:
    """Spend points on a reward, as the manager."""
    async with merchant_ctx(database, merchant, role="manager", **choices) as ctx:
        return await points_service.redeem_points(ctx, card_id=card.id, reward_id=reward.id, key=a_key(), present=_nothing)


def _nothing(_change: object) -> str:
    return "{}"
