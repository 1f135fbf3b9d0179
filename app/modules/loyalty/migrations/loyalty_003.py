"""Balances and settings that cannot be negative (B2), in a database that may already hold some.

Rows that violate a check are repaired and reported: in the log by number, in the audit log row by row. A card's balance is
raised to 0 by a row of its history, so that it stays the sum of its rows.

Revision ID: loyalty_003
"""

import logging
from collections import Counter

import sqlalchemy as sa
from alembic import op

from app.core.db import table_locks

revision = "loyalty_003"
down_revision = "loyalty_002"
branch_labels = None
depends_on = ("core_001",)

log = logging.getLogger("alembic.loyalty")

CHECKS = {
    "loyalty_programs": {
        "stamps_target_positive": "stamps_target >= 1",
        "points_per_euro_not_negative": "points_per_euro >= 0",
        "welcome_bonus_points_not_negative": "welcome_bonus_points >= 0",
        "minimum_purchase_cents_not_negative": "minimum_purchase_cents >= 0",
    },
    "loyalty_cards": {
        "points_balance_not_negative": "points_balance >= 0",
        "stamp_count_not_negative": "stamp_count >= 0",
        "stamps_target_positive": "stamps_target >= 1",
    },
}

REPAIR_PROGRAMS = sa.text("""
WITH broken AS (
    SELECT merchant_id, id, stamps_target, points_per_euro, welcome_bonus_points, minimum_purchase_cents FROM loyalty_programs
    WHERE stamps_target < 1 OR points_per_euro < 0 OR welcome_bonus_points < 0 OR minimum_purchase_cents < 0
    FOR UPDATE
), repaired AS (
    UPDATE loyalty_programs AS program SET
        stamps_target = greatest(broken.stamps_target, 1),
        points_per_euro = greatest(broken.points_per_euro, 0),
        welcome_bonus_points = greatest(broken.welcome_bonus_points, 0),
        minimum_purchase_cents = greatest(broken.minimum_purchase_cents, 0),
        updated_at = now()
    FROM broken WHERE program.merchant_id = broken.merchant_id AND program.id = broken.id
), audited AS (
    INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, request_id, details)
    SELECT gen_random_uuid(), merchant_id, now(), 'loyalty.program.repaired', 'loyalty_program', id, 'system', 'migration:loyalty_003',
           jsonb_build_object('before', to_jsonb(broken) - 'merchant_id' - 'id')
    FROM broken
)
SELECT count(*) FILTER (WHERE stamps_target < 1) AS stamps_target_positive,
       count(*) FILTER (WHERE points_per_euro < 0) AS points_per_euro_not_negative,
       count(*) FILTER (WHERE welcome_bonus_points < 0) AS welcome_bonus_points_not_negative,
       count(*) FILTER (WHERE minimum_purchase_cents < 0) AS minimum_purchase_cents_not_negative
FROM broken
""")

# A card repaired before (upgrade, downgrade, upgrade) has the key already: later repairs are numbered. Corrections upwards count
# as earned, so that balances also stay what their totals say. A broken target becomes the program's, repaired just before.
REPAIR_CARDS = sa.text("""
WITH broken AS (
    SELECT card.merchant_id, card.id, card.points_balance, card.stamp_count, card.stamps_target, card.points_owed,
           greatest(-card.points_balance, 0) AS points_missing, greatest(-card.stamp_count, 0) AS stamps_missing,
           program.stamps_target AS program_target
    FROM loyalty_cards AS card
    JOIN loyalty_programs AS program ON program.merchant_id = card.merchant_id AND program.id = card.program_id
    WHERE card.points_balance < 0 OR card.stamp_count < 0 OR card.stamps_target < 1
    FOR UPDATE OF card
), booked AS (
    INSERT INTO loyalty_transactions (merchant_id, id, card_id, type, stamps_delta, points_delta, owed_delta, stamps_after, points_after,
                                      owed_after, op_key, created_at)
    SELECT merchant_id, gen_random_uuid(), id, 'admin_adjustment', stamps_missing, points_missing, 0, greatest(stamp_count, 0),
           greatest(points_balance, 0), points_owed, concat('migration:loyalty_003:', id, ':' || nullif(before.repairs, 0) + 1), now()
    FROM broken CROSS JOIN LATERAL (
        SELECT count(*) AS repairs FROM loyalty_transactions AS earlier
        WHERE earlier.merchant_id = broken.merchant_id AND earlier.card_id = broken.id AND earlier.op_key LIKE 'migration:loyalty_003:%'
    ) AS before
    WHERE points_missing > 0 OR stamps_missing > 0
), repaired AS (
    UPDATE loyalty_cards AS card SET
        points_balance = broken.points_balance + points_missing,
        stamp_count = broken.stamp_count + stamps_missing,
        stamps_target = CASE WHEN broken.stamps_target < 1 THEN program_target ELSE broken.stamps_target END,
        total_points_earned = total_points_earned + points_missing,
        total_stamps_earned = total_stamps_earned + stamps_missing,
        updated_at = now()
    FROM broken WHERE card.merchant_id = broken.merchant_id AND card.id = broken.id
), audited AS (
    INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, target_id, actor_kind, request_id, details)
    SELECT gen_random_uuid(), merchant_id, now(), 'loyalty.card.repaired', 'loyalty_card', id, 'system', 'migration:loyalty_003',
           jsonb_build_object('before', jsonb_build_object('points_balance', points_balance, 'stamp_count', stamp_count,
                                                           'stamps_target', stamps_target))
    FROM broken
)
SELECT count(*) FILTER (WHERE points_balance < 0) AS points_balance_not_negative,
       count(*) FILTER (WHERE stamp_count < 0) AS stamp_count_not_negative,
       count(*) FILTER (WHERE stamps_target < 1) AS stamps_target_positive
FROM broken
""")

REPAIRS = {"loyalty_programs": REPAIR_PROGRAMS, "loyalty_cards": REPAIR_CARDS}


def upgrade() -> None:
    """Repair, add the checks for new rows, repair what came in between, and have the checks proven for all rows.

    The checks are added without a look at the rows, so that the tables are locked for an instant only; the proof that follows
    lets reads and writes pass. Every step can be run again after an interruption.
    """
    found = _repair()
    with op.get_context().autocommit_block():
        for table, checks in CHECKS.items():
            changes = [
                change
                for name, condition in checks.items()
                for change in (
                    f"DROP CONSTRAINT IF EXISTS ck_{table}_{name}",
                    f"ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID",
                )
            ]
            op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
    found += _repair()
    with op.get_context().autocommit_block():
        for table, checks in CHECKS.items():
            for name in checks:
                op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")
    _report(found)


def downgrade() -> None:
    """Drop the checks; repaired rows stay as they are."""
    table_locks.take("loyalty_programs", "loyalty_cards")
    for table, checks in CHECKS.items():
        op.execute(f"ALTER TABLE {table} {', '.join(f'DROP CONSTRAINT ck_{table}_{name}' for name in checks)}")


def _repair() -> Counter[str]:
    """Repair every row that violates a check; return how many violated which."""
    found: Counter[str] = Counter()
    for table, statement in REPAIRS.items():
        counts = op.get_bind().execute(statement).one()._mapping
        found.update({f"{table}: {CHECKS[table][name]}": count for name, count in counts.items()})
    return found


def _report(found: Counter[str]) -> None:
    for check, count in found.items():
        if count:
            log.warning("loyalty_003 repaired %d rows that violated %s", count, check)
    if not found.total():
        log.info("loyalty_003 found no row that violates a check")
