"""Addresses that get no mail, and customers who do without reminders. Addresses are keyed hashes (domain/delivery.py)."""

import datetime as dt
import uuid
from collections.abc import Sequence

import asyncpg

from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id
from app.modules.messaging.domain.delivery import PAUSE, SOFT_BOUNCE_WINDOW, SOFT_BOUNCES_TO_PAUSE, Delivery, Obstacle, SuppressionReason

# Two statements each, as no index serves IS NOT DISTINCT FROM: one for a merchant's rows, one for the platform's.
_IS_IN_THE_WAY = "CASE WHEN ends_at IS NULL THEN 'suppressed' WHEN ends_at > $2 THEN 'paused' END"
OBSTACLE_OF_CUSTOMER = f"""
SELECT coalesce(
    (SELECT {_IS_IN_THE_WAY} FROM email_suppressions WHERE fingerprint = $1 AND merchant_id = $3),
    (SELECT 'opted_out' FROM email_opt_outs WHERE merchant_id = $3 AND customer_id = $4 AND category = $5))
"""
OBSTACLE_OF_PLATFORM = f"SELECT {_IS_IN_THE_WAY} FROM email_suppressions WHERE fingerprint = $1 AND merchant_id IS NULL"

# What lasts is never weakened by a pause, the first reason that lasts stays, and a pause is not drawn out while it goes on.
SUPPRESS = """
INSERT INTO email_suppressions (merchant_id, id, fingerprint, reason, created_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (merchant_id, fingerprint) DO UPDATE
SET reason = excluded.reason, created_at = excluded.created_at, ends_at = excluded.ends_at
WHERE email_suppressions.ends_at <= $5 OR (email_suppressions.ends_at IS NOT NULL AND excluded.ends_at IS NULL)
"""
RELEASE = "DELETE FROM email_suppressions WHERE fingerprint = $2 AND (merchant_id = $1 OR (merchant_id IS NULL AND $1::uuid IS NULL))"
FORGET_SOFT_BOUNCES = """
DELETE FROM email_soft_bounces
WHERE fingerprint = $2 AND (merchant_id = $1 OR (merchant_id IS NULL AND $1::uuid IS NULL)) AND ($3::timestamptz IS NULL OR at <= $3)
"""
ADD_SOFT_BOUNCE = """
INSERT INTO email_soft_bounces (merchant_id, mail_id, fingerprint, at) VALUES ($1, $2, $3, $4) ON CONFLICT (mail_id) DO NOTHING
"""
COUNT_SOFT_BOUNCES = """
SELECT count(*) FROM email_soft_bounces
WHERE fingerprint = $2 AND (merchant_id = $1 OR (merchant_id IS NULL AND $1::uuid IS NULL)) AND at > $3
"""

# An event of a mail counts once. What bounced for good, or was complained about, stays so.
NOTE_DELIVERY = """
UPDATE email_logs SET delivery = $3, delivery_at = $4
WHERE provider = $1 AND provider_message_id = $2 AND delivery IS DISTINCT FROM $3
  AND (delivery IS NULL OR delivery NOT IN ('hard_bounce', 'complaint') OR $3 = 'complaint')
RETURNING id, merchant_id, recipient
"""

OPT_OUT = """
INSERT INTO email_opt_outs (merchant_id, customer_id, category, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, customer_id, category) DO NOTHING
"""
OPT_IN = "DELETE FROM email_opt_outs WHERE merchant_id = $1 AND customer_id = $2 AND category = $3"
HAS_OPTED_OUT = "SELECT EXISTS (SELECT 1 FROM email_opt_outs WHERE merchant_id = $1 AND customer_id = $2 AND category = $3)"
MOVE_MAILS = "UPDATE email_logs SET customer_id = $3 WHERE merchant_id = $1 AND customer_id = $2"
MOVE_OPT_OUTS = """
INSERT INTO email_opt_outs (merchant_id, customer_id, category, created_at)
SELECT merchant_id, $3, category, created_at FROM email_opt_outs WHERE merchant_id = $1 AND customer_id = $2
ON CONFLICT (merchant_id, customer_id, category) DO NOTHING
"""
FORGET_OPT_OUTS = "DELETE FROM email_opt_outs WHERE merchant_id = $1 AND customer_id = $2"
# An answer of a mail server may repeat the address, and a provider's id leads to it there.
FORGET_RECIPIENT = """
UPDATE email_logs SET recipient = NULL, provider_message_id = NULL WHERE merchant_id = $1 AND id = ANY($2::uuid[])
"""


async def find_obstacle(ctx: Ctx | PlatformCtx, fingerprint: bytes, *, customer_id: uuid.UUID | None, category: str) -> Obstacle | None:
    """Return what lies between a mail of `category` and this address as of now, consent aside."""
    if isinstance(ctx, Ctx):
        found = await ctx.conn.fetchval(OBSTACLE_OF_CUSTOMER, fingerprint, ctx.now, ctx.merchant_id, customer_id, category)
    else:
        found = await ctx.conn.fetchval(OBSTACLE_OF_PLATFORM, fingerprint, ctx.now)
    return Obstacle(found) if found else None


async def suppress(
    conn: asyncpg.Connection, merchant_id: uuid.UUID | None, fingerprint: bytes, reason: SuppressionReason, *, now: dt.datetime
) -> None:
    """Send nothing to the address from now on; for SOFT_BOUNCES until the pause ends."""
    ends_at = now + PAUSE if reason is SuppressionReason.SOFT_BOUNCES else None
    await conn.execute(SUPPRESS, merchant_id, new_id(), fingerprint, str(reason), now, ends_at)


async def release(conn: asyncpg.Connection, merchant_id: uuid.UUID | None, fingerprint: bytes) -> bool:
    """Send to the address again, its soft bounces forgotten; return whether anything was in the way."""
    await conn.execute(FORGET_SOFT_BOUNCES, merchant_id, fingerprint, None)
    status: str = await conn.execute(RELEASE, merchant_id, fingerprint)
    return status != "DELETE 0"


async def add_soft_bounce(
    conn: asyncpg.Connection, merchant_id: uuid.UUID | None, fingerprint: bytes, mail_id: uuid.UUID, *, now: dt.datetime
) -> bool:
    """Count a soft bounce, once per mail; return whether it makes the address pause."""
    status: str = await conn.execute(ADD_SOFT_BOUNCE, merchant_id, mail_id, fingerprint, now)
    if status == "INSERT 0 0":
        return False
    await conn.execute(FORGET_SOFT_BOUNCES, merchant_id, fingerprint, now - SOFT_BOUNCE_WINDOW)
    count: int = await conn.fetchval(COUNT_SOFT_BOUNCES, merchant_id, fingerprint, now - SOFT_BOUNCE_WINDOW)
    return count >= SOFT_BOUNCES_TO_PAUSE


async def note_delivery(
    ctx: PlatformCtx, provider: str, provider_message_id: str, delivery: Delivery, *, at: dt.datetime
) -> asyncpg.Record | None:
    """Note in the log what became of a mail; return its id, merchant_id and recipient, or None when there is nothing new to note."""
    return await ctx.conn.fetchrow(NOTE_DELIVERY, provider, provider_message_id, str(delivery), at)


async def has_opted_out(ctx: Ctx, customer_id: uuid.UUID, category: str) -> bool:
    """Return whether the customer does without mails of `category`."""
    found: bool = await ctx.conn.fetchval(HAS_OPTED_OUT, ctx.merchant_id, customer_id, category)
    return found


async def set_opt_out(ctx: Ctx, customer_id: uuid.UUID, category: str, *, is_out: bool) -> bool:
    """Note that the customer does without mails of `category`, or wants them again; return whether that is new."""
    if is_out:
        status = await ctx.conn.execute(OPT_OUT, ctx.merchant_id, customer_id, category, ctx.now)
    else:
        status = await ctx.conn.execute(OPT_IN, ctx.merchant_id, customer_id, category)
    return not status.endswith(" 0")


async def move_customer(ctx: Ctx, gone_id: uuid.UUID, kept_id: uuid.UUID) -> None:
    """Give the mails and the choices of somebody to the person they were merged into: a mail that either did without stays away."""
    await ctx.conn.execute(MOVE_MAILS, ctx.merchant_id, gone_id, kept_id)
    await ctx.conn.execute(MOVE_OPT_OUTS, ctx.merchant_id, gone_id, kept_id)
    await ctx.conn.execute(FORGET_OPT_OUTS, ctx.merchant_id, gone_id)


async def forget_customer(ctx: Ctx, customer_id: uuid.UUID, mail_ids: Sequence[uuid.UUID]) -> tuple[int, int]:
    """Remove whatever leads to the person from the logged mails `mail_ids`, and their choices; return how many of each there were."""
    choices: str = await ctx.conn.execute(FORGET_OPT_OUTS, ctx.merchant_id, customer_id)
    mails: str = await ctx.conn.execute(FORGET_RECIPIENT, ctx.merchant_id, list(mail_ids))
    return int(mails.rpartition(" ")[2]), int(choices.rpartition(" ")[2])


async def forget_soft_bounces(ctx: Ctx, fingerprint: bytes) -> int:
    """Forget the mails to this address that bounced for now; return how many."""
    status: str = await ctx.conn.execute(FORGET_SOFT_BOUNCES, ctx.merchant_id, fingerprint, None)
    return int(status.rpartition(" ")[2])
