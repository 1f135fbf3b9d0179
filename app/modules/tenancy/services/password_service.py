"""Passwords: changed by their owner, or set through a mailed link that works once.

A link's token is derived from its id with a key outside the database: the outbox carries the id, the database holds no secret.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import uuid

from app.core import audit
from app.core.config import get_settings
from app.core.context import PlatformCtx
from app.core.hashing import hash_secret, verify_secret
from app.core.ids import new_id
from app.modules.tenancy.domain.email_address import is_email, normalize_email
from app.modules.tenancy.domain.passwords import normalize_password, require_strong_password
from app.modules.tenancy.errors import PasswordLinkInvalidException, PasswordWrongException
from app.modules.tenancy.events import PasswordChanged, PasswordLinkRequested
from app.modules.tenancy.queries import sessions as session_queries
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.services import auth_service, login_guard, session_service
from app.modules.tenancy.services.session_service import NewSession

LINK_LIFETIME = dt.timedelta(minutes=30)
FORGOTTEN_PATH = "/account/forgot"
"""The page on which somebody asks for a link."""
_MAC_BYTES = 24


async def change_password(ctx: PlatformCtx, *, current: str, new: str) -> NewSession:
    """Change the caller's password and end all their sessions; return a new one for this device, at the same merchant.

    Raises PasswordWrongException (counted like a sign-in), SignInLockedException, PasswordWeakException.
    """
    user = await user_queries.get_user(ctx.conn, auth_service.require_user(ctx))
    email = normalize_email(user["email"])
    await login_guard.count_password_try(ctx, email)
    if not await verify_secret(user["password_hash"], normalize_password(current)):
        raise PasswordWrongException
    await login_guard.password_was_right(ctx, email)
    state = await session_queries.find_state(ctx.conn, ctx.actor.session_id)
    await _set_password(ctx, user["id"], new)
    return await session_service.create_session(
        ctx,
        "user",
        user_id=user["id"],
        merchant_id=state.merchant_id,
        store_id=state.store_id,
        second_factor_at=state.second_factor_at,
    )


async def request_link(ctx: PlatformCtx, *, email: str) -> None:
    """Have a link mailed that sets a new password. Says nothing about whether somebody has that address; at most three in 15 minutes."""
    normalized = normalize_email(email)
    if not is_email(normalized) or not await login_guard.may_send_link(ctx, normalized):
        return
    user = await user_queries.find_for_sign_in(ctx.conn, normalized)
    if user is not None and user["disabled_at"] is None:
        await make_link(ctx, user["id"])


async def make_link(ctx: PlatformCtx, user_id: uuid.UUID) -> uuid.UUID:
    """Make a link for the user, valid for 30 minutes, tell who mails it, and return its id."""
    link_id = new_id()
    await user_queries.insert_link(ctx.conn, link_id, user_id, now=ctx.now, expires_at=ctx.now + LINK_LIFETIME)
    await audit.record(ctx, "tenancy.password.link_requested", "user", user_id)
    ctx.emit(PasswordLinkRequested(user_id, link_id))
    return link_id


async def set_password_by_link(ctx: PlatformCtx, *, token: str, password: str) -> None:
    """Set the password of the link's user, spend all their links and end all their sessions.

    Raises PasswordLinkInvalidException, and PasswordWeakException, after which the link still works.
    """
    link_id = _read_token(token)
    user_id = await user_queries.use_link(ctx.conn, link_id, ctx.now) if link_id else None
    if user_id is None:
        raise PasswordLinkInvalidException
    await _set_password(ctx, user_id, password)


def link_token(link_id: uuid.UUID) -> str:
    """Return the secret part of the link's address; it is made anew whenever it is needed and stored nowhere."""
    return base64.urlsafe_b64encode(link_id.bytes + _mac(link_id)).decode("ascii")


def link_path(link_id: uuid.UUID) -> str:
    """Return the path of the page on which the person sets a password; the token is in the fragment and reaches no log."""
    return f"/account/password#{link_token(link_id)}"


async def _set_password(ctx: PlatformCtx, user_id: uuid.UUID, password: str) -> None:
    user = await user_queries.get_user(ctx.conn, user_id)
    businesses = [place.name for place in await user_queries.list_places(ctx.conn, user_id)]
    require_strong_password(password, has_totp=user["totp_secret"] is not None, context=[user["email"], user["display_name"], *businesses])
    await user_queries.set_password(ctx.conn, user_id, await hash_secret(normalize_password(password)), ctx.now)
    await session_service.revoke_all_for_user(ctx, user_id)
    await audit.record(ctx, "tenancy.password.changed", "user", user_id)
    ctx.emit(PasswordChanged(user_id))


def _mac(link_id: uuid.UUID) -> bytes:
    return hmac.new(get_settings().derive_key("password-link"), link_id.bytes, hashlib.sha256).digest()[:_MAC_BYTES]


def _read_token(token: str) -> uuid.UUID | None:
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii"))
        link_id = uuid.UUID(bytes=raw[:16])
    except (ValueError, binascii.Error):
        return None
    return link_id if hmac.compare_digest(raw[16:], _mac(link_id)) else None
