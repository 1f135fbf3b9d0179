"""No second welcome bonus by erasing oneself and coming back within 12 months (domain.md, Points)."""

import datetime as dt
from collections.abc import Sequence

from app.core.config import get_settings
from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.customers.domain.returning_guard import fingerprint, guarded_until, was_erased_recently
from app.modules.customers.queries import consents

REMEMBER = """
INSERT INTO customer_returning_guards (merchant_id, id, fingerprint, erased_on, guarded_until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, fingerprint) DO UPDATE SET erased_on = excluded.erased_on, guarded_until = excluded.guarded_until
"""


def _fingerprint(ctx: Ctx, email: str) -> bytes:
    return fingerprint(get_settings().derive_key("returning-guard"), merchant_id=ctx.merchant_id, email=email)


async def remember_erased(ctx: Ctx, email: str, *, today: dt.date) -> None:
    """Remember, as a keyed hash, that somebody with this address was erased on `today` (the merchant's local day)."""
    await ctx.conn.execute(REMEMBER, ctx.merchant_id, new_id(), _fingerprint(ctx, email), today, guarded_until(today))


async def may_get_welcome_bonus(ctx: Ctx, email: str, *, today: dt.date) -> bool:
    """Return whether nobody with this address was erased at this merchant within 12 months before `today`."""
    return not was_erased_recently(await consents.find_erased_on(ctx, _fingerprint(ctx, email)), today=today)


async def filter_erased(ctx: Ctx, emails: Sequence[str], *, today: dt.date) -> frozenset[str]:
    """Return those of `emails` of whom somebody was erased at this merchant within 12 months before `today`, in one statement."""
    by_fingerprint = {_fingerprint(ctx, email): email for email in emails}
    days = await consents.find_erased_days(ctx, list(by_fingerprint))
    return frozenset(by_fingerprint[found] for found, day in days.items() if was_erased_recently(day, today=today))
