"""Reading a merchant's program, settings and rewards' frame."""

import dataclasses
import datetime as dt
import decimal
import uuid
import zoneinfo
from collections.abc import Collection

import asyncpg

from app.core.context import Ctx
from app.modules.loyalty.domain.balances import ProgramRules
from app.modules.loyalty.domain.enums import PinPolicy, ProgramType, VoidPolicy
from app.modules.loyalty.domain.points import scale_rate
from app.modules.loyalty.errors import ProgramNotFoundException

LIVE = """
SELECT id, type, name, card_name, colour, logo_path, is_active, stamps_target, stamp_reward, stamp_cooldown_minutes, max_stamps_per_day,
       points_per_euro, welcome_bonus_points, minimum_purchase_cents, minimum_redemption_points, points_expiration_days,
       expiration_changed_at, reengagement_days, birthday_bonus_points, terms_text, terms_version, terms_cms_page_slug,
       owning_store_id, created_at, updated_at
FROM loyalty_programs WHERE merchant_id = $1 AND deleted_at IS NULL
"""
SETTINGS = """
SELECT allow_cross_location_redemption, pin_policy, pin_length, unlock_minutes, max_pin_attempts, pin_lock_minutes, void_policy,
       redeem_limit_points, retention_years
FROM loyalty_merchant_settings WHERE merchant_id = $1
"""
# Another program's texts have the same numbers: the one counts that was the latest with its number at that moment.
TERMS_TEXTS = """
SELECT w.version, w.at, t.text FROM unnest($2::int[], $3::timestamptz[]) AS w (version, at)
CROSS JOIN LATERAL (
  SELECT text FROM loyalty_terms_texts t WHERE t.merchant_id = $1 AND t.version = w.version AND t.created_at <= w.at
  ORDER BY t.created_at DESC LIMIT 1) t
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """A merchant's live program (B1); `points_per_euro` has at most four decimal places."""

    id: uuid.UUID
    type: ProgramType
    name: str
    card_name: str
    colour: str
    logo_path: str | None
    is_active: bool
    stamps_target: int
    stamp_reward: str
    stamp_cooldown_minutes: int
    max_stamps_per_day: int | None
    points_per_euro: decimal.Decimal
    welcome_bonus_points: int
    minimum_purchase_cents: int
    minimum_redemption_points: int
    points_expiration_days: int | None
    expiration_changed_at: dt.datetime | None
    reengagement_days: int
    birthday_bonus_points: int
    terms_text: str
    terms_version: int
    terms_cms_page_slug: str | None
    owning_store_id: uuid.UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class MerchantSettings:
    """A merchant's choices for all its stores; the defaults are those of domain.md."""

    allow_cross_location_redemption: bool = True
    pin_policy: PinPolicy = PinPolicy.REQUIRED
    pin_length: int = 6
    unlock_minutes: int = 5
    max_pin_attempts: int = 5
    pin_lock_minutes: int = 15
    void_policy: VoidPolicy = VoidPolicy.BLOCK
    redeem_limit_points: int | None = None
    retention_years: int | None = None


async def find_program(ctx: Ctx) -> Program | None:
    """Return the merchant's live program, or None."""
    row = await ctx.conn.fetchrow(LIVE, ctx.merchant_id)
    return None if row is None else _program(row)


async def get_program(ctx: Ctx) -> Program:
    """Return the merchant's live program; ProgramNotFoundException when there is none."""
    program = await find_program(ctx)
    if program is None:
        raise ProgramNotFoundException
    return program


async def get_settings(ctx: Ctx) -> MerchantSettings:
    """Return the merchant's settings, the defaults before anything was saved."""
    row = await ctx.conn.fetchrow(SETTINGS, ctx.merchant_id)
    if row is None:
        return MerchantSettings()
    values = dict(row)
    return MerchantSettings(**values | {"pin_policy": PinPolicy(values["pin_policy"]), "void_policy": VoidPolicy(values["void_policy"])})


def rules_of(program: Program, zone: zoneinfo.ZoneInfo, *, void_policy: VoidPolicy = VoidPolicy.BLOCK) -> ProgramRules:
    """Return the rules that a program prescribes, for looking ahead without a lock; `zone` is the merchant's."""
    return ProgramRules(
        program_type=program.type,
        zone=zone,
        is_active=program.is_active,
        stamps_target=program.stamps_target,
        stamp_cooldown_minutes=program.stamp_cooldown_minutes,
        max_stamps_per_day=program.max_stamps_per_day,
        points_rate=scale_rate(program.points_per_euro),
        welcome_bonus_points=program.welcome_bonus_points,
        minimum_purchase_cents=program.minimum_purchase_cents,
        minimum_redemption_points=program.minimum_redemption_points,
        points_expiration_days=program.points_expiration_days,
        expiration_changed_at=program.expiration_changed_at,
        void_policy=void_policy,
    )


def _program(row: asyncpg.Record) -> Program:
    values = dict(row)
    return Program(**values | {"type": ProgramType(values["type"])})


async def find_terms_texts(ctx: Ctx, wanted: Collection[tuple[int, dt.datetime]]) -> dict[tuple[int, dt.datetime], str]:
    """Return what the merchant's own terms said under a number at an instant, by both; texts that are not known are left out."""
    rows = await ctx.conn.fetch(TERMS_TEXTS, ctx.merchant_id, [number for number, _ in wanted], [at for _, at in wanted]) if wanted else []
    return {(row["version"], row["at"]): row["text"] for row in rows}
