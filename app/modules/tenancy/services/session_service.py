"""Sessions: who is behind a token. Opened on every request through one function of the database; made, changed and ended here.

Tokens are 256 bits, only their hash is stored. Limits from reliability.md, Settings.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Literal

import asyncpg

from app.core.context import SYSTEM, Actor, Ctx, Opener, PlatformCtx, Principal
from app.core.credentials import TERMINAL_COOKIE, USER_COOKIE, Credentials, customer_cookie
from app.core.errors import Forbidden, NotFound, Unauthenticated
from app.core.ids import hash_token, new_id, new_token
from app.modules.tenancy.domain import store_code
from app.modules.tenancy.errors import (
    MerchantInactiveException,
    MerchantNotFoundException,
    StoreInactiveException,
    StoreNotChosenException,
    TotpRequiredException,
)
from app.modules.tenancy.queries import sessions as session_queries
from app.modules.tenancy.queries import stores

SessionKind = Literal["user", "terminal", "customer"]

USER_IDLE = dt.timedelta(minutes=30)
SECOND_FACTOR_WAIT = dt.timedelta(minutes=10)
LIFETIMES: dict[SessionKind, dt.timedelta] = {
    "user": dt.timedelta(hours=12),
    "terminal": dt.timedelta(days=30),
    "customer": dt.timedelta(days=30),
}


@dataclasses.dataclass(frozen=True, slots=True)
class NewSession:
    """A session just made: `token` goes into the cookie `cookie` for `max_age` seconds and is known nowhere else."""

    id: uuid.UUID
    cookie: str
    token: str
    max_age: int


async def create_session(
    ctx: Ctx | PlatformCtx,
    kind: SessionKind,
    *,
    merchant_id: uuid.UUID | None = None,
    user_id: uuid.UUID | None = None,
    store_id: uuid.UUID | None = None,
    terminal_id: uuid.UUID | None = None,
    customer_id: uuid.UUID | None = None,
    second_factor_at: dt.datetime | None = None,
    lifetime: dt.timedelta | None = None,
) -> NewSession:
    """Make a session of `kind` for a user, a terminal at a store, or a customer. `merchant_id` is the context's unless given."""
    if merchant_id is None and isinstance(ctx, Ctx):
        merchant_id = ctx.merchant_id
    session, token = new_id(), new_token()
    lifetime = min(lifetime or LIFETIMES[kind], LIFETIMES[kind])
    await session_queries.insert(
        ctx.conn,
        id=session,
        token_hash=hash_token(token),
        kind=kind,
        user_id=user_id,
        merchant_id=merchant_id,
        store_id=store_id,
        terminal_id=terminal_id,
        customer_id=customer_id,
        second_factor_at=second_factor_at,
        now=ctx.now,
        idle_seconds=int(USER_IDLE.total_seconds()) if kind == "user" else None,
        expires_at=ctx.now + lifetime,
    )
    return NewSession(session, _cookie_of(kind, merchant_id), token, int(lifetime.total_seconds()))


def _cookie_of(kind: SessionKind, merchant_id: uuid.UUID | None) -> str:
    if kind == "customer" and merchant_id is not None:
        return customer_cookie(merchant_id)
    return TERMINAL_COOKIE if kind == "terminal" else USER_COOKIE


async def revoke(ctx: Ctx | PlatformCtx, session_id: uuid.UUID) -> None:
    """End one session; ending an ended or unknown one does nothing."""
    await session_queries.revoke(ctx.conn, session_id, ctx.now)


async def revoke_all_for_user(ctx: Ctx | PlatformCtx, user_id: uuid.UUID, *, keep: uuid.UUID | None = None) -> int:
    """End the user's sessions but `keep`, and return how many: within a merchant's context those at that merchant, else all."""
    merchant_id = ctx.merchant_id if isinstance(ctx, Ctx) else None
    return await session_queries.revoke_of_user(ctx.conn, user_id, ctx.now, merchant_id=merchant_id, keep=keep)


async def revoke_for_terminal(ctx: Ctx, terminal_id: uuid.UUID) -> int:
    """End the sessions of a terminal that was revoked or paired anew; return how many."""
    return await session_queries.revoke_of_terminal(ctx.conn, ctx.merchant_id, terminal_id, ctx.now)


async def find_last_seen_of_terminals(ctx: Ctx, terminal_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dt.datetime]:
    """Return when each of the merchant's terminals last showed itself, to the minute; terminals that never did are left out."""
    return await session_queries.find_last_seen_of_terminals(ctx.conn, ctx.merchant_id, terminal_ids) if terminal_ids else {}


async def revoke_for_customer(ctx: Ctx, customer_id: uuid.UUID) -> int:
    """End the sessions of a customer (erasure); return how many."""
    return await session_queries.revoke_of_customer(ctx.conn, ctx.merchant_id, customer_id, ctx.now)


async def list_sessions_of_customer(ctx: Ctx, customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the sessions of a customer that are still known, oldest first: when, where, until when."""
    return await session_queries.list_of_customer(ctx.conn, ctx.merchant_id, customer_id)


async def set_unlocked(ctx: Ctx, session_id: uuid.UUID, staff_pin_id: uuid.UUID | None, until: dt.datetime | None) -> None:
    """Open a terminal's session for the person of `staff_pin_id` until `until`; None and None locks it again."""
    await session_queries.set_unlocked(ctx.conn, ctx.merchant_id, session_id, staff_pin_id, until)


async def lock_all_for_staff_pin(ctx: Ctx, staff_pin_id: uuid.UUID) -> int:
    """Lock every session that the PIN had opened (it was changed, removed or locked); return how many."""
    return await session_queries.lock_of_staff_pin(ctx.conn, ctx.merchant_id, staff_pin_id)


async def choose_store(ctx: Ctx, store_id: uuid.UUID) -> stores.StoreView:
    """Note at which open store the signed-in user works; whoever is bound to one store can choose no other. Return the store."""
    store = await stores.get_store(ctx.conn, ctx.merchant_id, store_id)
    if ctx.actor.session_id is None or ctx.actor.store_id not in (None, store_id):
        raise Forbidden
    if not store.is_open:
        raise StoreInactiveException
    await session_queries.set_store(ctx.conn, ctx.merchant_id, ctx.actor.session_id, store_id)
    return store


# --- Openers: one for each face. They sign the caller in and, through the database's function, set the transaction's merchant.


async def open_account(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> Principal:
    """Account face: anybody. A user whose second factor is still due counts as anonymous, with the id of the waiting session.

    The role is the platform's admin, the one at the chosen merchant, or the least there is until a merchant is chosen.
    """
    row = await session_queries.open_session(conn, credentials.cookies.get(USER_COOKIE), "user", now)
    if row is None:
        return Principal(Actor(address=credentials.address))
    if row["is_second_factor_due"]:
        waiting = Actor(session_id=row["session_id"], address=credentials.address)
        return Principal(waiting, locale=row["user_locale"])
    role = "admin" if row["is_platform_admin"] else row["role"] or "staff"
    return _user_principal(row, credentials, role=role)


async def open_admin(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> Principal:
    """Admin face: a platform admin who passed the second factor; an admin without one is not let in."""
    row = await _open_user_session(conn, now, credentials)
    if not _is_admin(row):
        raise Forbidden
    principal = _user_principal(row, credentials, role="admin")
    return dataclasses.replace(principal, merchant_id=None)


async def open_merchant(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> Principal:
    """Merchant face: a user with a role at the merchant they chose, an API key, or an admin of the platform who has entered.

    `store_id` only for those bound to one store.
    """
    row = await _open_member(conn, now, credentials, may_act=True)
    if row["role"] is None:
        return _acting_principal(row, credentials, row["merchant_id"], row["merchant_locale"])
    principal = _user_principal(row, credentials, role=row["role"])
    bound = row["membership_store_id"] is not None
    return principal if bound else dataclasses.replace(principal, actor=dataclasses.replace(principal.actor, store_id=None))


async def open_behalf(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> Principal:
    """Admin's face within one merchant: a platform admin who passed the second factor, at the merchant of the path.

    MerchantNotFoundException; MerchantInactiveException for a suspended one, whose faces are all closed.
    """
    row = await _open_user_session(conn, now, credentials)
    if not _is_admin(row):
        raise Forbidden
    try:
        merchant_id = uuid.UUID(credentials.path.get("merchant_id", ""))
    except ValueError as error:
        raise MerchantNotFoundException from error
    found = await session_queries.see_merchant(conn, merchant_id)
    if found is None:
        raise MerchantNotFoundException
    if found["status"] != "active":
        raise MerchantInactiveException
    return _acting_principal(row, credentials, merchant_id, found["locale"])


async def open_store(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> Principal:
    """Store face: a paired terminal, else a user (or API key) with a role at the merchant and a chosen store."""
    if credentials.bearer is None:
        row = await session_queries.open_session(conn, credentials.cookies.get(TERMINAL_COOKIE), "terminal", now)
        if row is not None:
            return _terminal_principal(row, credentials)
    row = await _open_member(conn, now, credentials)
    if row["store_id"] is None:
        raise StoreNotChosenException
    if row["store_status"] != "open":
        raise StoreInactiveException
    principal = _user_principal(row, credentials, role=row["role"])
    # A till with an API key has its role; a person at the counter has a PIN.
    return dataclasses.replace(principal, actor=dataclasses.replace(principal.actor, is_at_counter=credentials.bearer is None))


async def open_storefront(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> Principal:
    """Storefront face: anybody at the store of the path, or the merchant's customer. NotFound for a store that is not there."""
    code = store_code.normalize_code(credentials.path.get("store_code", ""))
    row = None
    if store_code.code_problem(code) is None:
        row = await session_queries.open_store(conn, code, None, now)
        token = credentials.cookies.get(customer_cookie(row["merchant_id"])) if row else None
        if token:  # which cookie counts is known only now that the merchant is
            row = await session_queries.open_store(conn, code, token, now)
    if row is None or row["merchant_status"] != "active" or row["store_status"] != "open":
        raise NotFound
    is_customer = row["customer_id"] is not None
    actor = Actor(
        kind="customer" if is_customer else "anonymous",
        role="customer" if is_customer else "public",
        store_id=row["store_id"],
        store_zone=row["store_zone"],
        customer_id=row["customer_id"],
        session_id=row["session_id"],
        address=credentials.address,
    )
    return Principal(actor, row["merchant_id"], store_locale=row["store_locale"])


def as_system_at(code: str) -> Opener:
    """Return an opener for the platform's own work (seeds, commands) at the store with `code`; NotFound when there is none."""

    async def open_as_system(conn: asyncpg.Connection, now: dt.datetime) -> Principal:
        found = await open_storefront(conn, now, Credentials({}, None, {"store_code": code}, None))
        actor = dataclasses.replace(SYSTEM, store_id=found.actor.store_id, store_zone=found.actor.store_zone)
        return dataclasses.replace(found, actor=actor)

    return open_as_system


async def _open_user_session(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials) -> asyncpg.Record:
    row = await session_queries.open_session(conn, credentials.cookies.get(USER_COOKIE), "user", now)
    if row is None:
        raise Unauthenticated
    if row["is_second_factor_due"]:
        raise TotpRequiredException
    return row


def _is_admin(row: asyncpg.Record) -> bool:
    """Whether a session is that of a platform admin with a second factor (which a session's opening has asked for)."""
    return bool(row["is_platform_admin"] and row["has_second_factor"])


async def _open_member(conn: asyncpg.Connection, now: dt.datetime, credentials: Credentials, *, may_act: bool = False) -> asyncpg.Record:
    """Return the row of a user session or API key with a role at an active merchant; with `may_act` also an admin's without role."""
    if credentials.bearer is not None:
        row = await session_queries.open_api_key(conn, credentials.bearer, now)
        if row is None:
            raise Unauthenticated
    else:
        row = await _open_user_session(conn, now, credentials)
    is_acting = may_act and credentials.bearer is None and row["merchant_id"] is not None and _is_admin(row)
    if row["role"] is None and not is_acting:
        raise Forbidden
    if row["merchant_status"] != "active":
        raise MerchantInactiveException
    if row["membership_store_id"] is not None and row["store_id"] is None:  # their one store is in the trash: they manage no other
        raise Forbidden
    return row


def _user_principal(row: asyncpg.Record, credentials: Credentials, *, role: str) -> Principal:
    actor = Actor(
        kind="user",
        role=role,
        user_id=row["user_id"],
        store_id=row["store_id"],
        store_zone=row["store_zone"] or "UTC",
        session_id=row.get("session_id"),
        staff_pin_id=row.get("staff_pin_id"),
        unlocked_until=row.get("unlocked_until"),
        address=credentials.address,
    )
    return Principal(actor, row["merchant_id"], row["user_locale"], row["store_locale"])


def _acting_principal(row: asyncpg.Record, credentials: Credentials, merchant_id: uuid.UUID, locale: str) -> Principal:
    """Return the platform's admin as somebody who acts for a merchant: with an owner's rights, named in all that is done."""
    actor = Actor(
        kind="user",
        role="owner",
        user_id=row["user_id"],
        session_id=row["session_id"],
        acting_admin_id=row["user_id"],
        address=credentials.address,
    )
    return Principal(actor, merchant_id, row["user_locale"], locale)


def _terminal_principal(row: asyncpg.Record, credentials: Credentials) -> Principal:
    if row["merchant_status"] != "active":
        raise MerchantInactiveException
    if row["store_status"] != "open":
        raise StoreInactiveException
    actor = Actor(
        kind="terminal",
        role="staff",
        is_at_counter=True,
        terminal_id=row["terminal_id"],
        store_id=row["store_id"],
        store_zone=row["store_zone"],
        staff_pin_id=row["staff_pin_id"],
        unlocked_until=row["unlocked_until"],
        session_id=row["session_id"],
        address=credentials.address,
    )
    return Principal(actor, row["merchant_id"], store_locale=row["store_locale"])
