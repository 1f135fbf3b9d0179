"""Staff PINs: who stands at the terminal, which PIN an action asks for, wrong tries, locks (domain.md, PINs and terminals)."""

import dataclasses
import datetime as dt
import uuid

from app.core import audit, hashing
from app.core.config import get_settings
from app.core.context import Ctx
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.modules.customers import public as customers
from app.modules.loyalty.domain import pins
from app.modules.loyalty.domain.enums import PinDemand, PinPolicy, PinRole, TerminalAction
from app.modules.loyalty.domain.pins import PinProof
from app.modules.loyalty.errors import ManagerPinRequiredException, PinNotFoundException, PinRequiredException, PinWrongException
from app.modules.loyalty.queries import locks
from app.modules.loyalty.queries import pins as pin_queries
from app.modules.loyalty.queries.locks import LockedCard
from app.modules.loyalty.queries.pins import StaffPin
from app.modules.loyalty.services import store_scope
from app.modules.tenancy import public as tenancy

COUNT_TRY = "UPDATE loyalty_staff_pins SET failed_attempts = $3, locked_until = $4, updated_at = $5 WHERE merchant_id = $1 AND id = $2"

INSERT = """
INSERT INTO loyalty_staff_pins (merchant_id, id, store_id, display_name, role, email_normalized, pin_hash, failed_attempts, is_active,
                                created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, true, $8, $8)
"""
UPDATE = """
UPDATE loyalty_staff_pins SET display_name = $3, role = $4, email_normalized = $5, pin_hash = coalesce($6, pin_hash),
  failed_attempts = CASE WHEN $6::text IS NULL THEN failed_attempts ELSE 0 END,
  locked_until = CASE WHEN $6::text IS NULL THEN locked_until END, updated_at = $7
WHERE merchant_id = $1 AND id = $2
"""
DISABLE = """
UPDATE loyalty_staff_pins SET is_active = false, disabled_at = $3, updated_at = $3 WHERE merchant_id = $1 AND id = $2 AND is_active
RETURNING id
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Staffed:
    """A context in which the acting staff member is known, and the role that was proven just now by a PIN, if any."""

    ctx: Ctx
    proven: PinRole | None


async def create_pin(ctx: Ctx, *, store_id: uuid.UUID, display_name: str, role: PinRole, pin: str, email: str | None = None) -> uuid.UUID:
    """Give a staff member of a store a PIN and return its id. Raises PinWeakException, NotFound for a store that is not the caller's."""
    await store_scope.require_store(ctx, store_id)
    settings = await pin_queries.get_pin_settings(ctx)
    pins.require_strong_pin(pin, length=settings.pin_length)
    pin_id = new_id()
    await ctx.conn.execute(
        INSERT, ctx.merchant_id, pin_id, store_id, display_name, role.value, _normalized(email), await _hash(pin), ctx.now
    )
    await audit.record(ctx, "loyalty.pin.created", "staff_pin", pin_id, store_id=str(store_id), role=role.value)
    return pin_id


async def update_pin(ctx: Ctx, pin_id: uuid.UUID, *, display_name: str, role: PinRole, email: str | None, pin: str | None) -> None:
    """Change a staff member's name, role or e-mail, and the PIN when a new one is given (which also unlocks it)."""
    await _lock_manageable(ctx, pin_id)
    if pin is not None:
        settings = await pin_queries.get_pin_settings(ctx)
        pins.require_strong_pin(pin, length=settings.pin_length)
    hashed = None if pin is None else await _hash(pin)
    await ctx.conn.execute(UPDATE, ctx.merchant_id, pin_id, display_name, role.value, _normalized(email), hashed, ctx.now)
    await tenancy.lock_all_for_staff_pin(ctx, pin_id)
    await audit.record(ctx, "loyalty.pin.updated", "staff_pin", pin_id, role=role.value, new_pin=pin is not None)


async def disable_pin(ctx: Ctx, pin_id: uuid.UUID) -> None:
    """Take a staff member off the terminals for good; the history keeps their name."""
    await _lock_manageable(ctx, pin_id)
    if await ctx.conn.fetchval(DISABLE, ctx.merchant_id, pin_id, ctx.now) is None:
        raise PinNotFoundException
    await tenancy.lock_all_for_staff_pin(ctx, pin_id)
    await audit.record(ctx, "loyalty.pin.disabled", "staff_pin", pin_id)


async def unlock_pin(ctx: Ctx, pin_id: uuid.UUID, *, proof: PinProof | None = None) -> StaffPin:
    """Lift the lock of a PIN: a signed-in manager may, and at a terminal a manager's own PIN is asked for."""
    if is_at_terminal(ctx):
        staffed = await identify(ctx, proof)
        ctx = staffed.ctx
        if staffed.proven is not PinRole.MANAGER or proof is None or proof.pin_id == pin_id:
            raise ManagerPinRequiredException
    else:
        _require_manager(ctx)
    await _lock_manageable(ctx, pin_id)
    await _store_lock(ctx, pin_id, pins.PinLock())
    await audit.record(ctx, "loyalty.pin.unlocked", "staff_pin", pin_id)
    return await pin_queries.get_pin(ctx, pin_id)


async def _lock_manageable(ctx: Ctx, pin_id: uuid.UUID) -> None:
    """Lock the PIN of somebody of the caller's stores; PinNotFoundException for any other, and for one that is switched off."""
    row = await locks.lock_pin(ctx, pin_id)
    if row is None or not row["is_active"] or not store_scope.is_in_scope(ctx, row["store_id"]):
        raise PinNotFoundException


async def verify(ctx: Ctx, proof: PinProof) -> PinRole:
    """Return the role of the staff member whose PIN `proof` is.

    The try is counted before the PIN is compared, in PostgreSQL and under the row's lock, so that rivals cannot try more often
    than allowed. Raises PinLockedException (also for the right PIN), PinWrongException, PinNotFoundException.
    """
    row = await locks.lock_pin(ctx, proof.pin_id)
    if row is None or not row["is_active"] or row["store_id"] != ctx.actor.store_id:
        raise PinNotFoundException
    settings = await pin_queries.get_pin_settings(ctx)
    lock = pins.count_try(
        pins.PinLock(row["failed_attempts"], row["locked_until"]),
        ctx.now,
        max_tries=settings.max_pin_attempts,
        lock_minutes=settings.pin_lock_minutes,
    )
    await _store_lock(ctx, proof.pin_id, lock)
    if not await hashing.verify_secret(row["pin_hash"], proof.pin, pepper=get_settings().pin_pepper):
        if lock.locked_until is not None:
            await audit.record(ctx, "loyalty.pin.locked", "staff_pin", proof.pin_id)
        raise PinWrongException(tries_left=pins.tries_left(lock, max_tries=settings.max_pin_attempts))
    await _store_lock(ctx, proof.pin_id, pins.PinLock())
    return PinRole(row["role"])


async def sign_in(ctx: Ctx, proof: PinProof) -> tuple[StaffPin, dt.datetime]:
    """Open the terminal for a staff member; returns who, and until when (now, when every action asks for the PIN)."""
    await verify(ctx, proof)
    settings = await pin_queries.get_pin_settings(ctx)
    until = ctx.now + dt.timedelta(minutes=settings.unlock_minutes)
    await tenancy.set_unlocked(ctx, _session_id(ctx), proof.pin_id, until)
    return await pin_queries.get_pin(ctx, proof.pin_id), until


async def sign_out(ctx: Ctx) -> None:
    """Close the terminal for the present staff member."""
    await tenancy.set_unlocked(ctx, _session_id(ctx), None, None)


def _session_id(ctx: Ctx) -> uuid.UUID:
    if ctx.actor.session_id is None:  # an API key opens no counter
        raise Forbidden
    return ctx.actor.session_id


def is_at_terminal(ctx: Ctx) -> bool:
    """Whether the caller stands at a counter, where PINs decide. A panel's user and a till's API key have their role instead."""
    return ctx.actor.is_at_counter


async def identify(ctx: Ctx, proof: PinProof | None) -> Staffed:
    """Return the context with the staff member who acts: the one of `proof`, else the one who opened the terminal."""
    actor = ctx.actor
    if proof is not None and is_at_terminal(ctx):
        role = await verify(ctx, proof)
        return Staffed(dataclasses.replace(ctx, actor=dataclasses.replace(actor, staff_pin_id=proof.pin_id)), role)
    if actor.staff_pin_id is not None and (actor.unlocked_until is None or actor.unlocked_until <= ctx.now):
        actor = dataclasses.replace(actor, staff_pin_id=None, unlocked_until=None)
        return Staffed(dataclasses.replace(ctx, actor=actor), None)
    return Staffed(ctx, None)


async def require(staffed: Staffed, card: LockedCard, action: TerminalAction, *, redeem_points: int = 0) -> None:
    """Refuse an action that still needs a PIN: PinRequiredException, or ManagerPinRequiredException for a manager's."""
    ctx = staffed.ctx
    if not is_at_terminal(ctx):
        if action is TerminalAction.ADJUST:
            _require_manager(ctx)
        return
    unlock = None
    if card.pin_role is not None and ctx.actor.unlocked_until is not None and staffed.proven is None:
        opened_at = ctx.actor.unlocked_until - dt.timedelta(minutes=card.pins.unlock_minutes)
        unlock = pins.Unlock(role=card.pin_role, at=opened_at)
    demand = pins.demanded_pin(
        action, card.pins, now=ctx.now, unlock=unlock, redeem_points=redeem_points, is_own_card=await _is_own_card(ctx, card)
    )
    if demand is PinDemand.NONE or (staffed.proven is not None and pins.satisfies(staffed.proven, demand)):
        return
    raise ManagerPinRequiredException if demand is PinDemand.MANAGER else PinRequiredException


def _require_manager(ctx: Ctx) -> None:
    """Refuse staff what takes a manager, where no PIN can prove one: a till's key, or a staff member's."""
    if ctx.actor.role == "staff":
        raise Forbidden


async def identify_for_enrollment(ctx: Ctx, proof: PinProof | None) -> Ctx:
    """Return the context with the staff member who enrolls somebody; PinRequiredException when the terminal is locked."""
    staffed = await identify(ctx, proof)
    rules = await pin_queries.get_pin_settings(ctx)
    is_open = staffed.proven is not None or staffed.ctx.actor.staff_pin_id is not None
    if is_at_terminal(ctx) and rules.pin_policy is PinPolicy.REQUIRED and not is_open:
        raise PinRequiredException
    return staffed.ctx


async def _is_own_card(ctx: Ctx, card: LockedCard) -> bool:
    if card.pin_email is None or card.customer_id is None:
        return False
    return await customers.find_customer_id_by_email(ctx, card.pin_email) == card.customer_id


async def _store_lock(ctx: Ctx, pin_id: uuid.UUID, lock: pins.PinLock) -> None:
    await ctx.conn.execute(COUNT_TRY, ctx.merchant_id, pin_id, lock.failed_tries, lock.locked_until, ctx.now)


async def _hash(pin: str) -> str:
    return await hashing.hash_secret(pin, pepper=get_settings().pin_pepper)


def _normalized(email: str | None) -> str | None:
    return customers.normalize_email(email) if email else None
