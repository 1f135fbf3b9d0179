"""Programs and the merchant's settings around them."""

import dataclasses
import decimal
import uuid
from typing import Any

from app.core import audit
from app.core.context import Ctx
from app.core.errors import N_
from app.core.ids import new_id
from app.modules.cms import public as cms
from app.modules.loyalty.domain import points
from app.modules.loyalty.domain.enums import PinPolicy, ProgramType, VoidPolicy
from app.modules.loyalty.domain.program import ProgramSettings, expiration_changed_at, require_valid_program
from app.modules.loyalty.errors import ProgramInvalidException
from app.modules.loyalty.events import ProgramChanged
from app.modules.loyalty.queries import locks, programs
from app.modules.loyalty.queries import trash as trash_queries
from app.modules.loyalty.queries.programs import MerchantSettings, Program
from app.modules.loyalty.services import terms_service, trash_service
from app.modules.tenancy import public as tenancy

ENSURE_SETTINGS = """
INSERT INTO loyalty_merchant_settings (merchant_id, updated_at) VALUES ($1, $2) ON CONFLICT (merchant_id) DO NOTHING
"""
EDITABLE = (
    "type", "name", "card_name", "colour", "is_active", "stamps_target", "stamp_reward", "stamp_cooldown_minutes",
    "max_stamps_per_day", "points_per_euro", "welcome_bonus_points", "minimum_purchase_cents", "minimum_redemption_points",
    "points_expiration_days", "reengagement_days", "birthday_bonus_points", "terms_text", "terms_cms_page_slug",
    "owning_store_id",
)  # fmt: skip
INSERT = f"""
INSERT INTO loyalty_programs (merchant_id, id, created_at, updated_at, {", ".join(EDITABLE)})
VALUES ($1, $2, $3, $3, {", ".join(f"${number + 4}" for number in range(len(EDITABLE)))})
"""
UPDATE = f"""
UPDATE loyalty_programs SET updated_at = $3, expiration_changed_at = $4, terms_version = $5,
  {", ".join(f"{name} = ${number + 6}" for number, name in enumerate(EDITABLE))}
WHERE merchant_id = $1 AND id = $2
"""
KEEP_TERMS = """
INSERT INTO loyalty_terms_texts (merchant_id, program_id, version, text, created_at)
SELECT merchant_id, id, terms_version, terms_text, $3 FROM loyalty_programs WHERE merchant_id = $1 AND id = $2
ON CONFLICT DO NOTHING
"""
SAVE_SETTINGS = """
UPDATE loyalty_merchant_settings SET pin_policy = $2, pin_length = $3, unlock_minutes = $4, max_pin_attempts = $5, pin_lock_minutes = $6,
  void_policy = $7, redeem_limit_points = $8, updated_at = $9
WHERE merchant_id = $1
"""
SWITCH = "UPDATE loyalty_merchant_settings SET allow_cross_location_redemption = $2, updated_at = $3 WHERE merchant_id = $1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProgramForm:
    """What a merchant edits of a program (B1); its logo is set by `logo_service`."""

    type: ProgramType
    name: str
    card_name: str
    colour: str
    is_active: bool = True
    stamps_target: int = 10
    stamp_reward: str = ""
    stamp_cooldown_minutes: int = 0
    max_stamps_per_day: int | None = None
    points_per_euro: decimal.Decimal = decimal.Decimal(1)
    welcome_bonus_points: int = 0
    minimum_purchase_cents: int = 0
    minimum_redemption_points: int = 0
    points_expiration_days: int | None = None
    reengagement_days: int = 60
    birthday_bonus_points: int = 0
    terms_text: str = ""
    terms_cms_page_slug: str | None = None
    owning_store_id: uuid.UUID | None = None


async def save_program(ctx: Ctx, form: ProgramForm) -> Program:
    """Create the merchant's program, or change the live one, and return it. ProgramInvalidException names every wrong field.

    A changed text of the terms raises `terms_version` and is kept for ever; a changed expiry period is remembered with its moment. Its
    page of terms must be public at the owning store; it stays so as long as it is chosen. StoreNotFoundException for a store that is
    not there.
    """
    _check(form)
    await ensure_settings(ctx)
    await locks.lock_enrollment(ctx, is_switch=True)
    await _check_terms_page(ctx, form)
    old = await programs.find_program(ctx)
    values = [_column(form, name) for name in EDITABLE]
    if old is None:
        program_id = new_id()
        await ctx.conn.execute(INSERT, ctx.merchant_id, program_id, ctx.now, *values)
    else:
        program_id = old.id
        changed_at = expiration_changed_at(
            old.points_expiration_days, form.points_expiration_days, now=ctx.now, before=old.expiration_changed_at
        )
        terms_version = old.terms_version + (old.terms_text != form.terms_text)
        await ctx.conn.execute(UPDATE, ctx.merchant_id, program_id, ctx.now, changed_at, terms_version, *values)
    await ctx.conn.execute(KEEP_TERMS, ctx.merchant_id, program_id, ctx.now)
    ctx.emit(ProgramChanged(program_id=program_id))
    changes = {name: _column(form, name) for name in EDITABLE if old is None or _differs(old, form, name)}
    changes.pop("terms_text", None)
    await audit.record(ctx, "loyalty.program.created" if old is None else "loyalty.program.changed", "program", program_id, changes=changes)
    return await programs.get_program(ctx)


async def restore_for_merchant(ctx: Ctx, deletion_id: uuid.UUID | None) -> int:
    """Take back the programs, and their cards, that went with the merchant in the act `deletion_id` (G2); return how many programs.

    What was put into the trash before the merchant was has another id and stays there.
    """
    await locks.lock_enrollment(ctx, is_switch=True)
    program_ids = await trash_queries.programs_of_deletion(ctx, deletion_id)
    for program_id in program_ids:
        program = await locks.lock_program(ctx, program_id)
        if program is not None:
            await trash_service.restore_locked_program(ctx, program)
    return len(program_ids)


async def _check_terms_page(ctx: Ctx, form: ProgramForm) -> None:
    """Refuse a page of terms that is not public at the program's owning store, and hold one that is until the program is saved."""
    if form.owning_store_id is not None:
        await tenancy.get_store(ctx, form.owning_store_id)
    if form.terms_cms_page_slug is None:
        return
    store = await terms_service.find_owning_store(ctx, form.owning_store_id)
    if store is None or not await cms.keep_published(ctx, store.id, form.terms_cms_page_slug):
        raise ProgramInvalidException(fields={"terms_cms_page_slug": N_("Please choose a page that is public at this store.")})


def _check(form: ProgramForm) -> None:
    """Refuse a form that breaks a rule; ProgramInvalidException names every field."""
    try:
        rate = points.scale_rate(form.points_per_euro)
    except ValueError:
        rate = -1
    problems: dict[str, str] = {}
    try:
        require_valid_program(
            ProgramSettings(
                program_type=form.type,
                card_name=form.card_name,
                card_colour=form.colour,
                stamps_target=form.stamps_target,
                stamp_cooldown_minutes=form.stamp_cooldown_minutes,
                max_stamps_per_day=form.max_stamps_per_day,
                points_rate=rate,
                welcome_bonus_points=form.welcome_bonus_points,
                minimum_purchase_cents=form.minimum_purchase_cents,
                minimum_redemption_points=form.minimum_redemption_points,
                points_expiration_days=form.points_expiration_days,
                reengagement_days=form.reengagement_days,
                birthday_bonus_points=form.birthday_bonus_points,
            )
        )
    except ProgramInvalidException as error:
        problems = {{"card_colour": "colour"}.get(name, name): text for name, text in error.fields.items()}
    if problems:
        raise ProgramInvalidException(fields=problems)


def _column(form: ProgramForm, name: str) -> Any:
    value = getattr(form, name)
    return value.value if isinstance(value, ProgramType) else value.lower() if name == "colour" else value


def _differs(old: Program, form: ProgramForm, name: str) -> bool:
    return bool(getattr(old, name) != _column(form, name))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SettingsForm:
    """What a merchant sets for all terminals; minutes in minutes, the limit in points (None: no limit)."""

    pin_policy: PinPolicy
    pin_length: int
    unlock_minutes: int
    max_pin_attempts: int
    pin_lock_minutes: int
    void_policy: VoidPolicy
    redeem_limit_points: int | None


async def ensure_settings(ctx: Ctx) -> None:
    """Make the merchant's row of settings unless it is there."""
    await ctx.conn.execute(ENSURE_SETTINGS, ctx.merchant_id, ctx.now)


async def save_settings(ctx: Ctx, form: SettingsForm) -> MerchantSettings:
    """Save the merchant's settings and return them; what works where is switched by `set_cross_location` instead."""
    await ensure_settings(ctx)
    await ctx.conn.execute(
        SAVE_SETTINGS, ctx.merchant_id, form.pin_policy.value, form.pin_length, form.unlock_minutes, form.max_pin_attempts,
        form.pin_lock_minutes, form.void_policy.value, form.redeem_limit_points, ctx.now,
    )  # fmt: skip
    await audit.record(ctx, "loyalty.settings.changed", "merchant", ctx.merchant_id, **dataclasses.asdict(form))
    return await programs.get_settings(ctx)


async def set_cross_location(ctx: Ctx, *, is_on: bool) -> MerchantSettings:
    """Switch whether a card works at all the merchant's stores (A1), excluding enrollments meanwhile, and return the settings."""
    await ensure_settings(ctx)
    await locks.lock_enrollment(ctx, is_switch=True)
    await ctx.conn.execute(SWITCH, ctx.merchant_id, is_on, ctx.now)
    await audit.record(ctx, "loyalty.cross_location.switched", "merchant", ctx.merchant_id, is_on=is_on)
    return await programs.get_settings(ctx)
