"""The only FOR UPDATE of the module. Lock order: idempotency row → merchant's enrollment lock → customer → cards by id."""

import dataclasses
import datetime as dt
import uuid
import zoneinfo
from collections.abc import Collection, Sequence

import asyncpg

from app.core import trash
from app.core.context import Ctx
from app.core.idempotency import StoredAnswer
from app.core.trash import Deletion, deletion_of
from app.modules.loyalty.domain.balances import CardState, ProgramRules
from app.modules.loyalty.domain.enums import CardStatus, PinPolicy, PinRole, ProgramType, VoidPolicy
from app.modules.loyalty.domain.pins import PinSettings

CARD_COLUMNS = """c.id, c.customer_id, c.program_id, c.enrolled_at_store_id, c.card_number, c.created_at, c.status, c.stamp_count,
c.points_balance, c.points_owed, c.stamps_target, c.last_activity_at, c.last_stamp_at, c.stamps_day, c.stamps_today, c.first_visit_at,
c.visit_count, c.total_stamps_earned, c.total_stamps_redeemed, c.total_stamps_voided, c.total_points_earned, c.total_points_redeemed,
c.total_points_voided, c.last_expiration_warning_at"""

PROGRAM_COLUMNS = """p.type AS program_type, p.is_active AS program_is_active, p.stamps_target AS program_stamps_target,
p.stamp_cooldown_minutes, p.max_stamps_per_day, (p.points_per_euro * 10000)::int AS points_rate, p.welcome_bonus_points,
p.minimum_purchase_cents, p.minimum_redemption_points, p.points_expiration_days, p.expiration_changed_at,
s.void_policy, s.pin_policy, s.unlock_minutes, s.redeem_limit_points, s.allow_cross_location_redemption"""

LOCK_CARDS = f"""
SELECT i.n, {CARD_COLUMNS}, {PROGRAM_COLUMNS}, k.fingerprint, k.status AS answer_status, k.body,
       pin.role AS pin_role, pin.email_normalized AS pin_email
FROM unnest($2::uuid[], $3::text[], $4::uuid[]) WITH ORDINALITY AS i (card_id, key, pin_id, n)
JOIN loyalty_cards c ON c.merchant_id = $1 AND c.id = i.card_id AND c.deleted_at IS NULL
JOIN loyalty_programs p ON p.merchant_id = $1 AND p.id = c.program_id AND p.deleted_at IS NULL
JOIN loyalty_merchant_settings s ON s.merchant_id = $1
LEFT JOIN core_idempotency k ON k.merchant_id = $1 AND k.key = i.key
LEFT JOIN loyalty_staff_pins pin ON pin.merchant_id = $1 AND pin.id = i.pin_id AND pin.is_active
ORDER BY c.id
FOR NO KEY UPDATE OF c
"""
LOCK_FREE_CARDS = f"{LOCK_CARDS}SKIP LOCKED"

LOCK_ENROLLMENT_SHARED = "SELECT 1 FROM loyalty_merchant_settings WHERE merchant_id = $1 FOR SHARE"
LOCK_ENROLLMENT_EXCLUSIVE = "SELECT 1 FROM loyalty_merchant_settings WHERE merchant_id = $1 FOR UPDATE"

MARKS = ", ".join(trash.COLUMNS)
# Also those in the trash:
LOCK_ANY_CARDS = f"""
SELECT c.id, c.card_number, c.customer_id, c.enrolled_at_store_id, c.status, {", ".join(f"c.{name}" for name in trash.COLUMNS)},
       p.deleted_at IS NOT NULL AS is_program_trashed
FROM loyalty_cards c JOIN loyalty_programs p ON p.merchant_id = $1 AND p.id = c.program_id
WHERE c.merchant_id = $1 AND c.id = ANY($2::uuid[]) ORDER BY c.id FOR NO KEY UPDATE OF c
"""
LOCK_PROGRAM = f"SELECT id, name, {MARKS} FROM loyalty_programs WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE"
LOCK_PROGRAM_SHARED = f"SELECT id, name, {MARKS} FROM loyalty_programs WHERE merchant_id = $1 AND id = $2 FOR SHARE"
LOCK_LIVE_CARDS = """
SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND program_id = $2 AND deleted_at IS NULL AND id > $3 ORDER BY id LIMIT $4
FOR NO KEY UPDATE
"""
LOCK_CARDS_OF_DELETION = """
SELECT id FROM loyalty_cards WHERE merchant_id = $1 AND deletion_id = $2 AND deletion_id IS NOT NULL AND program_id = $3 AND id > $4
ORDER BY id LIMIT $5 FOR NO KEY UPDATE
"""

LOCK_MERGE_RUN = "SELECT id FROM loyalty_merge_runs WHERE merchant_id = $1 AND id = $2 AND status = 'running' FOR NO KEY UPDATE"

# Of an erased person every card is emptied, those in the trash as well.
LOCK_CARDS_OF_CUSTOMER = """
SELECT id, card_number, qr_token, status FROM loyalty_cards WHERE merchant_id = $1 AND customer_id = $2 ORDER BY id FOR NO KEY UPDATE
"""

LOCK_CARDS_OF_PEOPLE = """
SELECT id, customer_id, enrolled_at_store_id, status, deleted_at FROM loyalty_cards
WHERE merchant_id = $1 AND customer_id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

LOCK_PIN = """
SELECT id, store_id, role, display_name, email_normalized, pin_hash, failed_attempts, locked_until, is_active
FROM loyalty_staff_pins WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE
"""


@dataclasses.dataclass(frozen=True, slots=True)
class LockedCard:
    """A card under its lock, with everything that the rules need to decide about it."""

    id: uuid.UUID
    customer_id: uuid.UUID | None
    program_id: uuid.UUID
    enrolled_at_store_id: uuid.UUID
    card_number: str
    enrolled_at: dt.datetime
    state: CardState
    rules: ProgramRules
    pins: PinSettings
    is_cross_location: bool
    answer: StoredAnswer | None
    pin_role: PinRole | None
    pin_email: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class StoredCard:
    """A card, live or in the trash (`deletion`), as of the lock; with `is_program_trashed` it comes back with its program only."""

    id: uuid.UUID
    card_number: str
    customer_id: uuid.UUID | None
    enrolled_at_store_id: uuid.UUID
    status: CardStatus
    deletion: Deletion | None
    is_program_trashed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class StoredProgram:
    """A program, live or in the trash (`deletion`), as of the lock."""

    id: uuid.UUID
    name: str
    deletion: Deletion | None


async def lock_cards(
    ctx: Ctx,
    card_ids: Sequence[uuid.UUID],
    *,
    zone: zoneinfo.ZoneInfo,
    keys: Sequence[str | None] = (),
    pin_ids: Sequence[uuid.UUID | None] = (),
    skip_held: bool = False,
) -> list[LockedCard | None]:
    """Lock live cards in id order and return them in the order asked for; None where there is no such card.

    `keys` are idempotency keys, one per card, whose stored answers are read along; `pin_ids` are the acting staff members.
    The statement waits for rivals and then sees the rows as they left them; a stored answer that a rival has just committed
    can be missed, and shows as a conflict on the key when this transaction writes its own. With `skip_held` it waits for nobody,
    and gives None for a card that somebody else holds.
    """
    nothing = [None] * len(card_ids)
    statement = LOCK_FREE_CARDS if skip_held else LOCK_CARDS
    rows = await ctx.conn.fetch(statement, ctx.merchant_id, list(card_ids), list(keys) or nothing, list(pin_ids) or nothing)
    found: list[LockedCard | None] = [None] * len(card_ids)
    for row in rows:
        found[row["n"] - 1] = _locked(row, zone)
    return found


async def lock_cards_of_customer(ctx: Ctx, customer_id: uuid.UUID) -> list[asyncpg.Record]:
    """Lock all cards of a customer, by id, and return id, card_number, qr_token and status of each."""
    return await ctx.conn.fetch(LOCK_CARDS_OF_CUSTOMER, ctx.merchant_id, customer_id)


async def lock_cards_of_people(ctx: Ctx, customer_ids: Sequence[uuid.UUID]) -> list[asyncpg.Record]:
    """Lock all cards of some people, by id: id, customer_id, enrolled_at_store_id, status and deleted_at of each."""
    return await ctx.conn.fetch(LOCK_CARDS_OF_PEOPLE, ctx.merchant_id, list(customer_ids))


async def lock_any_cards(ctx: Ctx, card_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, StoredCard]:
    """Lock those of `card_ids` that are the merchant's, live or in the trash; return them by id."""
    rows = await ctx.conn.fetch(LOCK_ANY_CARDS, ctx.merchant_id, list(card_ids))
    return {
        row["id"]: StoredCard(
            id=row["id"],
            card_number=row["card_number"],
            customer_id=row["customer_id"],
            enrolled_at_store_id=row["enrolled_at_store_id"],
            status=CardStatus(row["status"]),
            deletion=deletion_of(row),
            is_program_trashed=row["is_program_trashed"],
        )
        for row in rows
    }


async def lock_program(ctx: Ctx, program_id: uuid.UUID, *, is_shared: bool = False) -> StoredProgram | None:
    """Lock a program, live or in the trash, or None; shared, so that it neither goes nor comes back meanwhile."""
    row = await ctx.conn.fetchrow(LOCK_PROGRAM_SHARED if is_shared else LOCK_PROGRAM, ctx.merchant_id, program_id)
    return None if row is None else StoredProgram(row["id"], row["name"], deletion_of(row))


async def lock_live_cards(ctx: Ctx, program_id: uuid.UUID, *, after_id: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """Lock up to `limit` live cards of a program, by id behind `after_id`; return their ids."""
    rows = await ctx.conn.fetch(LOCK_LIVE_CARDS, ctx.merchant_id, program_id, after_id, limit)
    return [row["id"] for row in rows]


async def lock_cards_of_deletion(
    ctx: Ctx, program_id: uuid.UUID, deletion_id: uuid.UUID, *, after_id: uuid.UUID, limit: int
) -> list[uuid.UUID]:
    """Lock up to `limit` cards of a program that went in the act `deletion_id`, by id behind `after_id`; return their ids."""
    rows = await ctx.conn.fetch(LOCK_CARDS_OF_DELETION, ctx.merchant_id, deletion_id, program_id, after_id, limit)
    return [row["id"] for row in rows]


async def lock_enrollment(ctx: Ctx, *, is_switch: bool = False) -> None:
    """Take the merchant's enrollment lock: shared to enroll, exclusive to switch where cards work (domain.md, Identity)."""
    await ctx.conn.execute(LOCK_ENROLLMENT_EXCLUSIVE if is_switch else LOCK_ENROLLMENT_SHARED, ctx.merchant_id)


async def lock_merge_run(ctx: Ctx, run_id: uuid.UUID) -> bool:
    """Lock a run that merges cards; False when it is over, or there is none."""
    return await ctx.conn.fetchval(LOCK_MERGE_RUN, ctx.merchant_id, run_id) is not None


async def lock_pin(ctx: Ctx, pin_id: uuid.UUID) -> asyncpg.Record | None:
    """Lock and return a staff PIN's row, or None."""
    return await ctx.conn.fetchrow(LOCK_PIN, ctx.merchant_id, pin_id)


def card_state(row: asyncpg.Record) -> CardState:
    """Return the card's balances and counters from a row that holds `CARD_COLUMNS`."""
    return CardState(
        stamps_target=row["stamps_target"],
        last_activity_at=row["last_activity_at"],
        last_expiration_warning_at=row["last_expiration_warning_at"],
        status=CardStatus(row["status"]),
        stamp_count=row["stamp_count"],
        points_balance=row["points_balance"],
        points_owed=row["points_owed"],
        last_stamp_at=row["last_stamp_at"],
        stamps_day=row["stamps_day"],
        stamps_today=row["stamps_today"],
        first_visit_at=row["first_visit_at"],
        visit_count=row["visit_count"],
        total_stamps_earned=row["total_stamps_earned"],
        total_stamps_redeemed=row["total_stamps_redeemed"],
        total_stamps_voided=row["total_stamps_voided"],
        total_points_earned=row["total_points_earned"],
        total_points_redeemed=row["total_points_redeemed"],
        total_points_voided=row["total_points_voided"],
    )


def program_rules(row: asyncpg.Record, zone: zoneinfo.ZoneInfo) -> ProgramRules:
    """Return the program's rules from a row that holds `PROGRAM_COLUMNS`; `zone` is the merchant's."""
    return ProgramRules(
        program_type=ProgramType(row["program_type"]),
        zone=zone,
        is_active=row["program_is_active"],
        stamps_target=row["program_stamps_target"],
        stamp_cooldown_minutes=row["stamp_cooldown_minutes"],
        max_stamps_per_day=row["max_stamps_per_day"],
        points_rate=row["points_rate"],
        welcome_bonus_points=row["welcome_bonus_points"],
        minimum_purchase_cents=row["minimum_purchase_cents"],
        minimum_redemption_points=row["minimum_redemption_points"],
        points_expiration_days=row["points_expiration_days"],
        expiration_changed_at=row["expiration_changed_at"],
        void_policy=VoidPolicy(row["void_policy"]),
    )


def _locked(row: asyncpg.Record, zone: zoneinfo.ZoneInfo) -> LockedCard:
    fingerprint = row["fingerprint"]
    return LockedCard(
        id=row["id"],
        customer_id=row["customer_id"],
        program_id=row["program_id"],
        enrolled_at_store_id=row["enrolled_at_store_id"],
        card_number=row["card_number"],
        enrolled_at=row["created_at"],
        state=card_state(row),
        rules=program_rules(row, zone),
        pins=PinSettings(
            policy=PinPolicy(row["pin_policy"]), unlock_minutes=row["unlock_minutes"], redeem_limit_points=row["redeem_limit_points"]
        ),
        is_cross_location=row["allow_cross_location_redemption"],
        answer=None if fingerprint is None else StoredAnswer(fingerprint, row["answer_status"], row["body"]),
        pin_role=None if row["pin_role"] is None else PinRole(row["pin_role"]),
        pin_email=row["pin_email"],
    )
