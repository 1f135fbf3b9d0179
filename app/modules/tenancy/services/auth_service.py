"""Signing in and out, choosing the merchant. One answer for everything that is wrong, after the same time.

All of it runs on the account face, as orion_platform. Every step up gets a new token and ends the old session.
"""

import dataclasses
import uuid
from typing import Literal

from app.core import audit
from app.core.config import get_settings
from app.core.context import PlatformCtx
from app.core.errors import Unauthenticated
from app.core.hashing import verify_secret
from app.modules.tenancy.domain.email_address import is_email, normalize_email
from app.modules.tenancy.domain.passwords import normalize_password
from app.modules.tenancy.errors import MerchantNotFoundException, SignInFailedException
from app.modules.tenancy.queries import sessions as session_queries
from app.modules.tenancy.queries import stores as store_queries
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.queries.users import Place
from app.modules.tenancy.services import login_guard, session_service, totp_service
from app.modules.tenancy.services.session_service import NewSession

SignInState = Literal["second_factor", "signed_in", "choose_merchant"]

SECOND_FACTOR_PAGE = "/admin/sign-in?step=code"
ADMIN_PAGE = "/admin"
CHOICE_PAGE = "/merchants/choose"
MERCHANT_PAGE = "/merchants"
MERCHANT_SIGN_IN_PAGE = "/merchants/sign-in"
STORE_PAGE = "/store/terminal"


@dataclasses.dataclass(frozen=True, slots=True)
class SignIn:
    """How far signing in has come: the session for the cookie, what is left to do, the page to go to, and the merchants to choose from."""

    session: NewSession
    state: SignInState
    next: str
    places: list[Place]


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """The signed-in person, as they see themselves."""

    user_id: uuid.UUID
    email: str
    display_name: str
    locale: str
    is_platform_admin: bool
    role: str
    merchant_id: uuid.UUID | None
    merchant_name: str | None
    store_id: uuid.UUID | None
    places: list[Place]


async def sign_in(ctx: PlatformCtx, *, email: str, password: str) -> SignIn:
    """Check e-mail and password and open a session, for ten minutes only while the second factor is due.

    Raises SignInFailedException for anything wrong, SignInLockedException after too many tries, right ones included.
    """
    normalized = normalize_email(email)
    await login_guard.count_password_try(ctx, normalized)
    user = await user_queries.find_for_sign_in(ctx.conn, normalized) if is_email(normalized) else None
    matches = await verify_secret(user["password_hash"] if user else None, normalize_password(password))
    if user is None or not matches or user["disabled_at"] is not None:
        await audit.record(ctx, "tenancy.account.sign_in_failed", "user", user["id"] if user else None)
        raise SignInFailedException
    await login_guard.password_was_right(ctx, normalized)
    await _end_present_session(ctx)
    if user["totp_secret"] is not None:
        waiting = await session_service.create_session(ctx, "user", user_id=user["id"], lifetime=session_service.SECOND_FACTOR_WAIT)
        return SignIn(waiting, "second_factor", SECOND_FACTOR_PAGE, [])
    return await _enter(ctx, user["id"])


async def pass_second_factor(ctx: PlatformCtx, *, code: str) -> SignIn:
    """Check the code of the authenticator app for the waiting session and open the real one.

    Raises Unauthenticated without a waiting session, SignInFailedException for a wrong or used code, SignInLockedException.
    """
    waiting = await session_queries.find_waiting(ctx.conn, ctx.actor.session_id) if ctx.actor.session_id else None
    if waiting is None:
        raise Unauthenticated
    user_id: uuid.UUID = waiting["user_id"]
    await login_guard.count_code_try(ctx, user_id)
    user = await user_queries.get_user(ctx.conn, user_id)
    secret = totp_service.decrypt_secret(get_settings(), user_id, user["totp_secret"])
    step = totp_service.matching_step(secret, code, ctx.now, last_step=user["totp_last_step"]) if secret else None
    if step is None or not await user_queries.use_step(ctx.conn, user_id, step):
        await audit.record(ctx, "tenancy.account.code_failed", "user", user_id)
        raise SignInFailedException
    await login_guard.code_was_right(ctx, user_id)
    await _end_present_session(ctx)
    return await _enter(ctx, user_id, has_second_factor=True)


async def sign_out(ctx: PlatformCtx) -> None:
    """End the caller's session, if there is one."""
    await _end_present_session(ctx)


async def choose_merchant(ctx: PlatformCtx, merchant_id: uuid.UUID) -> SignIn:
    """Go to work at a merchant: a new session there. MerchantNotFoundException unless the user belongs to it and it is active."""
    user_id = require_user(ctx)
    places = await user_queries.list_places(ctx.conn, user_id)
    place = next((place for place in places if place.merchant_id == merchant_id), None)
    if place is None:
        raise MerchantNotFoundException
    state = await session_queries.find_state(ctx.conn, ctx.actor.session_id)
    await _end_present_session(ctx)
    return await _open_at(ctx, user_id, place, places, has_second_factor=state.second_factor_at is not None)


async def set_language(ctx: PlatformCtx, locale: str) -> None:
    """Remember the language in which the person reads."""
    await user_queries.set_locale(ctx.conn, require_user(ctx), locale)


async def rename(ctx: PlatformCtx, display_name: str) -> Account:
    """Let the signed-in person change their name, also as the merchant they work for at present calls them; return the account."""
    user_id = require_user(ctx)
    state = await session_queries.find_state(ctx.conn, ctx.actor.session_id)
    await user_queries.set_name(ctx.conn, user_id, display_name, merchant_id=state.merchant_id)
    await audit.record(ctx, "tenancy.account.renamed", "user", user_id)
    return await get_account(ctx)


async def get_account(ctx: PlatformCtx) -> Account:
    """Return who is signed in, as what, and where else they work."""
    user = await user_queries.get_user(ctx.conn, require_user(ctx))
    places = await user_queries.list_places(ctx.conn, user["id"])
    state = await session_queries.find_state(ctx.conn, ctx.actor.session_id)
    chosen = next((place for place in places if place.merchant_id == state.merchant_id), None)
    return Account(
        user_id=user["id"],
        email=user["email"],
        display_name=user["display_name"],
        locale=user["locale"],
        is_platform_admin=user["is_platform_admin"],
        role=chosen.role if chosen else ctx.actor.role,
        merchant_id=chosen.merchant_id if chosen else None,
        merchant_name=chosen.name if chosen else None,
        store_id=ctx.actor.store_id,
        places=places,
    )


def require_user(ctx: PlatformCtx) -> uuid.UUID:
    """Return the signed-in user's id; Unauthenticated."""
    if ctx.actor.user_id is None:
        raise Unauthenticated
    return ctx.actor.user_id


async def _enter(ctx: PlatformCtx, user_id: uuid.UUID, *, has_second_factor: bool = False) -> SignIn:
    """Open the session of somebody who has proved who they are, at their merchant when there is only one."""
    await audit.record(ctx, "tenancy.account.signed_in", "user", user_id)
    await user_queries.note_sign_in(ctx.conn, user_id, ctx.now)
    user = await user_queries.get_user(ctx.conn, user_id)
    places = await user_queries.list_places(ctx.conn, user_id)
    if user["is_platform_admin"] or len(places) != 1:
        passed_at = ctx.now if has_second_factor else None
        session = await session_service.create_session(ctx, "user", user_id=user_id, second_factor_at=passed_at)
        if user["is_platform_admin"]:
            return SignIn(session, "signed_in", ADMIN_PAGE, places)
        return SignIn(session, "choose_merchant", CHOICE_PAGE, places)
    return await _open_at(ctx, user_id, places[0], places, has_second_factor=has_second_factor)


async def _open_at(ctx: PlatformCtx, user_id: uuid.UUID, place: Place, places: list[Place], *, has_second_factor: bool) -> SignIn:
    await user_queries.note_entry(ctx.conn, place.merchant_id, user_id, ctx.now)
    store_id = place.store_id or await store_queries.find_only_open(ctx.conn, place.merchant_id)
    session = await session_service.create_session(
        ctx,
        "user",
        user_id=user_id,
        merchant_id=place.merchant_id,
        store_id=store_id,
        second_factor_at=ctx.now if has_second_factor else None,
    )
    return SignIn(session, "signed_in", STORE_PAGE if place.role == "staff" else MERCHANT_PAGE, places)


async def _end_present_session(ctx: PlatformCtx) -> None:
    if ctx.actor.session_id is not None:
        await session_service.revoke(ctx, ctx.actor.session_id)
