"""How often somebody may try: counted in PostgreSQL before the check, the same for addresses that exist and that do not.

Subjects are stored as keyed hashes: the table tells nobody who tried from where (domain.md, Privacy).
"""

import datetime as dt
import hashlib
import hmac
import uuid

from app.core.config import get_settings
from app.core.context import PlatformCtx
from app.core.credentials import counted_address
from app.modules.tenancy.errors import SignInLockedException
from app.modules.tenancy.queries import counters
from app.modules.tenancy.queries.counters import Limit

PERIOD = dt.timedelta(minutes=15)
BY_EMAIL = Limit(10, PERIOD)
BY_ADDRESS = Limit(50, PERIOD)
BY_CODE = Limit(5, PERIOD)
BY_LINK = Limit(3, PERIOD)
PAIRING_BY_ADDRESS = Limit(10, PERIOD)
PAIRING_IN_ALL = Limit(1000, PERIOD)


def _subject(kind: str, value: str) -> bytes:
    key = get_settings().derive_key("login-counter")
    return hmac.new(key, f"{kind}:{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


async def _count(ctx: PlatformCtx, subject: bytes, limit: Limit) -> None:
    locked_until = await counters.raise_counter(ctx.conn, subject, limit, ctx.now)
    if locked_until is not None:
        raise SignInLockedException(retry_at=locked_until, now=ctx.now)


async def count_password_try(ctx: PlatformCtx, email_normalized: str) -> None:
    """Count a try of a password for the address and from the caller's; SignInLockedException when it may not be checked."""
    if ctx.actor.address:  # always before the e-mail's row: one order, no deadlock
        await _count(ctx, _subject("address", counted_address(ctx.actor.address)), BY_ADDRESS)
    await _count(ctx, _subject("email", email_normalized), BY_EMAIL)


async def password_was_right(ctx: PlatformCtx, email_normalized: str) -> None:
    """Forget the wrong tries for the address, and take back the one that was counted for the caller's."""
    if ctx.actor.address:
        await counters.take_back(ctx.conn, _subject("address", counted_address(ctx.actor.address)), BY_ADDRESS)
    await counters.forget(ctx.conn, _subject("email", email_normalized))


async def count_code_try(ctx: PlatformCtx, user_id: uuid.UUID) -> None:
    """Count a try of a second factor; SignInLockedException when it may not be checked."""
    await _count(ctx, _subject("code", str(user_id)), BY_CODE)


async def code_was_right(ctx: PlatformCtx, user_id: uuid.UUID) -> None:
    """Forget the wrong codes."""
    await counters.forget(ctx.conn, _subject("code", str(user_id)))


async def may_send_link(ctx: PlatformCtx, email_normalized: str) -> bool:
    """Count a wish for a link; whether one more may be mailed to the address."""
    return await count_link(ctx, email_normalized) is None


async def count_link(ctx: PlatformCtx, email_normalized: str) -> dt.datetime | None:
    """Count a wish for a link; return until when none may be mailed to the address, None when this one may."""
    return await counters.raise_counter(ctx.conn, _subject("link", email_normalized), BY_LINK, ctx.now)


async def count_pairing_try(ctx: PlatformCtx) -> None:
    """Count a try of a terminal's pairing code, from the caller's address and in all; SignInLockedException when it may not be checked."""
    if ctx.actor.address:
        await _count(ctx, _subject("pairing", counted_address(ctx.actor.address)), PAIRING_BY_ADDRESS)
    await _count(ctx, _subject("pairing", ""), PAIRING_IN_ALL)


async def pairing_code_was_right(ctx: PlatformCtx) -> None:
    """Take back the try that was counted: only wrong ones lock."""
    if ctx.actor.address:
        await counters.take_back(ctx.conn, _subject("pairing", counted_address(ctx.actor.address)), PAIRING_BY_ADDRESS)
    await counters.take_back(ctx.conn, _subject("pairing", ""), PAIRING_IN_ALL)
