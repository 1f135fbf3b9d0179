"""Rewards, the merchant's settings, staff PINs, terminals and their pairing codes, runs that merge cards, and logos.

Revision ID: loyalty_002
"""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import protect_tenant_table

revision = "loyalty_002"
down_revision = "loyalty_001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)
TABLES = (
    "loyalty_rewards",
    "loyalty_merchant_settings",
    "loyalty_staff_pins",
    "loyalty_terminals",
    "loyalty_pairing_codes",
    "loyalty_merge_runs",
)
LOGOS = "loyalty_logos"

USE_PAIRING_CODE = """
CREATE FUNCTION loyalty_use_pairing_code(code_hash bytea, now timestamptz)
RETURNS TABLE (merchant_id uuid, store_id uuid, name text, code_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- Of two that present one code at once, the second waits for the first and then finds it used.
    UPDATE loyalty_pairing_codes AS code SET used_at = $2, attempts = code.attempts + 1
    WHERE code.code_hash = $1 AND code.used_at IS NULL AND code.expires_at > $2
    RETURNING code.merchant_id, code.store_id, code.name, code.id INTO merchant_id, store_id, name, code_id;
    IF NOT FOUND THEN
        UPDATE loyalty_pairing_codes AS code SET attempts = code.attempts + 1 WHERE code.code_hash = $1;
        RETURN;
    END IF;
    PERFORM set_config('app.merchant_id', merchant_id::text, true);
    RETURN NEXT;
END $$
"""
FIND_LOGO = """
CREATE FUNCTION loyalty_find_logo(p_merchant_id uuid, p_prefix bytea)
RETURNS TABLE (content bytea, media_type text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT l.content, l.media_type
    FROM loyalty_logos l JOIN tenancy_merchants m ON m.id = l.merchant_id AND m.status = 'active' AND m.deleted_at IS NULL
    WHERE l.merchant_id = p_merchant_id AND substring(l.sha256 FROM 1 FOR 16) = p_prefix
$$
"""
DOORS = ("loyalty_use_pairing_code(bytea, timestamptz)", "loyalty_find_logo(uuid, bytea)")


def upgrade() -> None:
    """Create the seven tables, and the functions for callers whom nobody signed in: a device with its code, a page's logo."""
    _create_rewards()
    _create_settings()
    _create_staff_pins()
    _create_terminals()
    _create_merge_runs()
    _create_logos()
    for table in TABLES:
        protect_tenant_table(op.get_bind(), table, app=("SELECT", "INSERT", "UPDATE"))
    # A picture that was taken away or replaced is gone.
    protect_tenant_table(op.get_bind(), LOGOS, app=("SELECT", "INSERT", "DELETE"), platform=("SELECT", "INSERT", "DELETE"))
    op.execute(USE_PAIRING_CODE)
    op.execute(FIND_LOGO)
    for door in DOORS:
        op.execute(f"REVOKE ALL ON FUNCTION {door} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {door} TO orion_app, orion_platform")


def downgrade() -> None:
    """Drop them."""
    for door in DOORS:
        op.execute(f"DROP FUNCTION {door}")
    op.drop_index("ix_loyalty_cards_merchant_id_merged_into_id", "loyalty_cards")
    for table in (LOGOS, *reversed(TABLES)):
        op.drop_table(table)


def _key() -> "tuple[sa.Column[uuid.UUID], sa.Column[uuid.UUID]]":
    return sa.Column("merchant_id", ID, primary_key=True), sa.Column("id", ID, primary_key=True)


def _store() -> "tuple[sa.Column[uuid.UUID], sa.ForeignKeyConstraint]":
    key = sa.ForeignKeyConstraint(["merchant_id", "store_id"], ["tenancy_stores.merchant_id", "tenancy_stores.id"])
    return sa.Column("store_id", ID, nullable=False), key


def _create_rewards() -> None:
    op.create_table(
        "loyalty_rewards",
        *_key(),
        sa.Column("program_id", ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("cost_points", sa.Integer, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("sort_order", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.ForeignKeyConstraint(["merchant_id", "program_id"], ["loyalty_programs.merchant_id", "loyalty_programs.id"]),
        sa.CheckConstraint("cost_points >= 1", name="cost_points_positive"),
    )
    op.create_index("ix_loyalty_rewards_merchant_id_program_id", "loyalty_rewards", ["merchant_id", "program_id"])


def _create_settings() -> None:
    op.create_table(
        "loyalty_merchant_settings",
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id"), primary_key=True),
        sa.Column("allow_cross_location_redemption", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("pin_policy", sa.Text, nullable=False, server_default="required"),
        sa.Column("pin_length", sa.Integer, nullable=False, server_default="6"),
        sa.Column("unlock_minutes", sa.Integer, nullable=False, server_default="5"),
        sa.Column("max_pin_attempts", sa.Integer, nullable=False, server_default="5"),
        sa.Column("pin_lock_minutes", sa.Integer, nullable=False, server_default="15"),
        sa.Column("void_policy", sa.Text, nullable=False, server_default="block"),
        sa.Column("redeem_limit_points", sa.Integer),
        sa.Column("adjust_limit_points", sa.Integer),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("pin_policy IN ('required', 'optional', 'off')", name="pin_policy_known"),
        sa.CheckConstraint("pin_length IN (4, 6)", name="pin_length_known"),
        sa.CheckConstraint("unlock_minutes >= 0", name="unlock_minutes_not_negative"),
        sa.CheckConstraint("max_pin_attempts >= 1", name="max_pin_attempts_positive"),
        sa.CheckConstraint("pin_lock_minutes >= 1", name="pin_lock_minutes_positive"),
        sa.CheckConstraint("void_policy IN ('block', 'forgive', 'owe')", name="void_policy_known"),
        sa.CheckConstraint("redeem_limit_points >= 0", name="redeem_limit_points_not_negative"),
        sa.CheckConstraint("adjust_limit_points >= 0", name="adjust_limit_points_not_negative"),
    )


def _create_staff_pins() -> None:
    op.create_table(
        "loyalty_staff_pins",
        *_key(),
        *_store(),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False, server_default="staff"),
        sa.Column("email_normalized", sa.Text),
        sa.Column("user_id", ID),
        sa.Column("pin_hash", sa.Text, nullable=False),
        sa.Column("failed_attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("locked_until", INSTANT),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT),
        sa.CheckConstraint("role IN ('staff', 'manager')", name="role_known"),
        sa.CheckConstraint("failed_attempts >= 0", name="failed_attempts_not_negative"),
    )
    op.create_index("ix_loyalty_staff_pins_merchant_id_store_id", "loyalty_staff_pins", ["merchant_id", "store_id"])


def _create_terminals() -> None:
    op.create_table(
        "loyalty_terminals",
        *_key(),
        *_store(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("paired_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("ix_loyalty_terminals_merchant_id_store_id", "loyalty_terminals", ["merchant_id", "store_id"])
    op.create_table(
        "loyalty_pairing_codes",
        *_key(),
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        *_store(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_by", ID),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("attempts >= 0", name="attempts_not_negative"),
    )
    op.create_index("uq_loyalty_pairing_codes_code_hash", "loyalty_pairing_codes", ["code_hash"], unique=True)


def _create_merge_runs() -> None:
    op.create_table(
        "loyalty_merge_runs",
        *_key(),
        sa.Column("status", sa.Text, nullable=False, server_default="running"),
        sa.Column("customer_id", ID),
        sa.Column("started_by", ID),
        sa.Column("last_customer_id", ID),
        *(
            sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
            for name in (
                "customers_total", "customers_merged", "customers_skipped", "cards_merged", "stamps_before", "stamps_after",
                "points_before", "points_after", "points_expired",
            )
        ),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint("status IN ('running', 'done', 'stopped')", name="status_known"),
    )  # fmt: skip
    op.create_index("ix_loyalty_merge_runs_merchant_id_started_at", "loyalty_merge_runs", ["merchant_id", "started_at"])
    op.create_index(
        "uq_loyalty_merge_runs_running",
        "loyalty_merge_runs",
        ["merchant_id"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )
    # The history of a card shows what was collected on those merged into it; a stamp never touches this column.
    op.create_index(
        "ix_loyalty_cards_merchant_id_merged_into_id",
        "loyalty_cards",
        ["merchant_id", "merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )


def _create_logos() -> None:
    op.create_table(
        LOGOS,
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id"), primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("octet_length(content) BETWEEN 1 AND 150000", name="content_size"),
        sa.CheckConstraint("media_type IN ('image/png', 'image/jpeg', 'image/webp')", name="media_type_known"),
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256_size"),
    )
    op.create_index("uq_loyalty_logos_merchant_id", LOGOS, ["merchant_id"], unique=True)
