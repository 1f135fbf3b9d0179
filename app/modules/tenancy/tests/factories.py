"""Merchants, stores and people for tests of every module. Rows are committed; each test makes its own merchant.

merchant = await make_merchant(database, stores=3)
client.cookies.update(sign_in_cookie(merchant.manager))
async with merchant_ctx(database, merchant, role="staff") as ctx: ...
"""

import contextlib
import dataclasses
import datetime as dt
import itertools
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pyotp

from app.core import clock
from app.core.config import get_settings
from app.core.context import SYSTEM, Actor, Ctx, PlatformCtx, Principal, platform_unit_of_work, unit_of_work
from app.core.credentials import TERMINAL_COOKIE, USER_COOKIE, Credentials
from app.core.db.engine import Database
from app.core.hashing import hash_secret
from app.core.ids import hash_token, new_id, new_token
from app.modules.tenancy.models import ApiKey, Membership, Merchant, Store, User
from app.modules.tenancy.services import session_service, totp_service

ZONE = "Europe/Luxembourg"
PASSWORD = "correct-onion-parade-77"

_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, slots=True)
class MadeUser:
    """A person, and the token of a live session at their merchant (for an admin: with the second factor passed)."""

    id: uuid.UUID
    email: str
    role: str
    token: str = dataclasses.field(repr=False)
    session_id: uuid.UUID = dataclasses.field(repr=False)
    membership_id: uuid.UUID | None = None
    totp_secret: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class MadeStore:
    """A store."""

    id: uuid.UUID
    code: str
    name: str
    zone: str


@dataclasses.dataclass(frozen=True, slots=True)
class MadeMerchant:
    """A merchant with its stores, and an owner, a manager and a member of staff; their sessions have chosen the first store."""

    id: uuid.UUID
    name: str
    zone: str
    locale: str
    stores: Sequence[MadeStore]
    owner: MadeUser
    manager: MadeUser
    staff: MadeUser

    @property
    def store(self) -> MadeStore:
        """The first store."""
        return self.stores[0]

    def user(self, role: str) -> MadeUser:
        """The person with `role`: owner, manager or staff."""
        return {"owner": self.owner, "manager": self.manager, "staff": self.staff}[role]


def sign_in_cookie(user: MadeUser) -> dict[str, str]:
    """The cookie of the user's session, for `client.cookies.update(…)`."""
    return {USER_COOKIE: user.token}


def terminal_cookie(token: str) -> dict[str, str]:
    """The cookie of a paired terminal."""
    return {TERMINAL_COOKIE: token}


def customer_cookie(session: session_service.NewSession) -> dict[str, str]:
    """The cookie of a signed-in customer, by the name that belongs to their merchant."""
    return {session.cookie: session.token}


def platform_ctx(database: Database, *, now: dt.datetime | None = None) -> contextlib.AbstractAsyncContextManager[PlatformCtx]:
    """A committed unit of work as the platform."""
    return platform_unit_of_work(database, Principal(SYSTEM), now=now)


def account_ctx(
    database: Database, *, token: str = "", address: str = "192.0.2.7", now: dt.datetime | None = None
) -> contextlib.AbstractAsyncContextManager[PlatformCtx]:
    """A committed unit of work of the account face, for the user whose session has `token`, or nobody."""

    async def open_account(conn: asyncpg.Connection, moment: dt.datetime) -> Principal:
        return await session_service.open_account(conn, moment, Credentials({USER_COOKIE: token}, None, {}, address))

    return platform_unit_of_work(database, open_account, now=now)


@contextlib.asynccontextmanager
async def merchant_ctx(
    database: Database,
    merchant: MadeMerchant,
    *,
    role: str = "owner",
    store: MadeStore | None = None,
    now: dt.datetime | None = None,
    **actor: Any,
) -> AsyncIterator[Ctx]:
    """A committed unit of work within `merchant`, acting as its owner, manager or staff at `store` (the first unless given).

    Further fields of the actor (`staff_pin_id`, `terminal_id` …) go by name.
    """
    place, user = store or merchant.store, merchant.user(role)
    fields: dict[str, Any] = {
        "kind": "user",
        "user_id": user.id,
        "store_id": place.id,
        "store_zone": place.zone,
        "session_id": user.session_id,
    } | actor
    async with unit_of_work(database, Principal(Actor(role=role, **fields), merchant.id, merchant.locale), now=now) as ctx:
        yield ctx


async def make_merchant(
    database: Database,
    *,
    stores: int = 1,
    name: str | None = None,
    zone: str = ZONE,
    locale: str = "fr",
    status: str = "active",
    now: dt.datetime | None = None,
) -> MadeMerchant:
    """Make an active merchant with `stores` stores and three people; nothing else belongs to it."""
    number = next(_numbers)
    name = name or f"Bäckerei Test {number}"
    merchant = Merchant(
        id=new_id(),
        name=name,
        contact_email=None,
        time_zone=zone,
        locale=locale,
        currency="EUR",
        status=status,
        created_at=now or clock.now(),
    )
    async with platform_ctx(database, now=now) as ctx:
        ctx.session.add(merchant)
        await ctx.session.flush()
        places = [add_store(ctx, merchant.id, zone=zone, locale=locale, name=f"Filiale {index}") for index in range(1, stores + 1)]
        await ctx.session.flush()
        people = {role: await add_member(ctx, merchant.id, role=role, store_id=places[0].id) for role in ("owner", "manager", "staff")}
    return MadeMerchant(merchant.id, name, zone, locale, places, people["owner"], people["manager"], people["staff"])


def add_store(ctx: PlatformCtx, merchant_id: uuid.UUID, *, name: str = "Filiale", zone: str = ZONE, locale: str = "fr") -> MadeStore:
    """Add a store to the session."""
    store = Store(
        merchant_id=merchant_id,
        id=new_id(),
        code=f"t-{uuid.uuid4().hex[:24]}",
        name=name,
        address_line="1, rue du Fort",
        postal_code="L-1234",
        city="Luxembourg",
        country="LU",
        time_zone=zone,
        locale=locale,
        phone="+352 26 12 34",
        opening_text="Lu–Sa 7:00–18:00",
        status="open",
        created_at=ctx.now,
    )
    ctx.session.add(store)
    return MadeStore(store.id, store.code, store.name, zone)


async def make_store(database: Database, merchant_id: uuid.UUID, *, name: str = "Filiale", zone: str = ZONE) -> MadeStore:
    """Make one more store."""
    async with platform_ctx(database) as ctx:
        return add_store(ctx, merchant_id, name=name, zone=zone)


async def add_user(ctx: PlatformCtx, *, password: str | None = None, is_admin: bool = False) -> User:
    """Add a person who belongs to nobody yet. Hashing takes time: only tests of signing in give a password."""
    email = f"person-{uuid.uuid4().hex[:20]}@example.lu"
    user = User(
        id=new_id(),
        email=email,
        email_normalized=email,
        display_name=f"Person {next(_numbers)}",
        password_hash=await hash_secret(password) if password else None,
        locale="fr",
        is_platform_admin=is_admin,
        created_at=ctx.now,
    )
    ctx.session.add(user)
    await ctx.session.flush()
    return user


async def add_member(
    ctx: PlatformCtx,
    merchant_id: uuid.UUID,
    *,
    role: str = "staff",
    store_id: uuid.UUID | None = None,
    bound: bool = False,
    password: str | None = None,
    user: User | None = None,
) -> MadeUser:
    """Add a person with `role` and a session that chose `store_id`; `bound`: they work at that store only."""
    user = user or await add_user(ctx, password=password)
    membership = Membership(
        merchant_id=merchant_id,
        id=new_id(),
        user_id=user.id,
        role=role,
        store_id=store_id if bound else None,
        display_name=user.display_name,
        created_at=ctx.now,
        last_signed_in_at=ctx.now,
    )
    ctx.session.add(membership)
    await ctx.session.flush()
    session = await session_service.create_session(ctx, "user", user_id=user.id, merchant_id=merchant_id, store_id=store_id)
    return MadeUser(user.id, user.email, role, session.token, session.id, membership.id)


async def make_member(database: Database, merchant: MadeMerchant, **choices: Any) -> MadeUser:
    """Make one more person at `merchant`; choices as for `add_member`."""
    async with platform_ctx(database) as ctx:
        return await add_member(ctx, merchant.id, **{"store_id": merchant.store.id} | choices)


async def make_admin(database: Database, *, password: str | None = None) -> MadeUser:
    """Make an admin of the platform, signed in with the second factor."""
    secret = pyotp.random_base32()
    async with platform_ctx(database) as ctx:
        user = await add_user(ctx, password=password, is_admin=True)
        user.totp_secret = totp_service.encrypt_secret(get_settings(), user.id, secret)
        await ctx.session.flush()
        session = await session_service.create_session(ctx, "user", user_id=user.id, second_factor_at=ctx.now)
    return MadeUser(user.id, user.email, "admin", session.token, session.id, None, secret)


async def make_terminal_session(
    database: Database, merchant: MadeMerchant, terminal_id: uuid.UUID, *, store: MadeStore | None = None
) -> session_service.NewSession:
    """Make the session of a paired terminal at `store` (the first unless given)."""
    async with merchant_ctx(database, merchant) as ctx:
        place = store or merchant.store
        return await session_service.create_session(ctx, "terminal", store_id=place.id, terminal_id=terminal_id)


async def make_customer_session(
    database: Database, merchant: MadeMerchant, customer_id: uuid.UUID, *, store: MadeStore | None = None
) -> session_service.NewSession:
    """Make the session of a customer."""
    async with merchant_ctx(database, merchant) as ctx:
        place = store or merchant.store
        return await session_service.create_session(ctx, "customer", store_id=place.id, customer_id=customer_id)


async def make_api_key(database: Database, merchant: MadeMerchant, user: MadeUser, *, role: str = "owner") -> str:
    """Make an API key of `user`; return it."""
    key = new_token()
    async with platform_ctx(database) as ctx:
        ctx.session.add(
            ApiKey(
                merchant_id=merchant.id,
                id=new_id(),
                key_hash=hash_token(key),
                user_id=user.id,
                name="till",
                role=role,
                store_id=merchant.store.id,
                created_at=ctx.now,
            )
        )
    return key
