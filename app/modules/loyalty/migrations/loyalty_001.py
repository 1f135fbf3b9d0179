"""Programs, cards and the ledger.

Revision ID: loyalty_001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import APPEND_ONLY, make_append_only, protect_tenant_table

revision = "loyalty_001"
down_revision = None
branch_labels = ("loyalty",)
depends_on = ("core_001", "tenancy_001", "customers_001")

INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)
CHANGEABLE = ("SELECT", "INSERT", "UPDATE")

TRANSACTION_TYPES = (
    "welcome_bonus",
    "bonus_granted",
    "stamp_earned",
    "stamp_redeemed",
    "stamp_voided",
    "points_earned",
    "points_redeemed",
    "points_voided",
    "points_refunded",
    "points_expired",
    "redemption_cancelled",
    "points_adjusted",
    "admin_adjustment",
    "balance_imported",
    "merge_in",
    "merge_out",
)


def upgrade() -> None:
    """Create the three tables; a person has one live card per merchant, the balances have no checks yet."""
    _create_programs()
    _create_cards()
    _create_transactions()
    bind = op.get_bind()
    protect_tenant_table(bind, "loyalty_programs", app=CHANGEABLE)
    protect_tenant_table(bind, "loyalty_cards", app=CHANGEABLE)
    protect_tenant_table(bind, "loyalty_transactions", app=APPEND_ONLY, platform=APPEND_ONLY)
    make_append_only(bind, "loyalty_transactions")


def downgrade() -> None:
    """Drop them."""
    for table in ("loyalty_transactions", "loyalty_cards", "loyalty_programs"):
        op.drop_table(table)
    op.execute("DROP FUNCTION loyalty_transactions_is_append_only()")


def _number(name: str, default: int | None = 0, kind: type[sa.Integer] = sa.Integer) -> "sa.Column[int]":
    """Return a required whole number, with a default unless it is None."""
    return sa.Column(name, kind, nullable=False, server_default=None if default is None else str(default))


def _create_programs() -> None:
    op.create_table(
        "loyalty_programs",
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id"), primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("card_name", sa.Text, nullable=False),
        sa.Column("colour", sa.Text, nullable=False),
        sa.Column("logo_path", sa.Text),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default="true"),
        _number("stamps_target", 10),
        sa.Column("stamp_reward", sa.Text, nullable=False, server_default=""),
        _number("stamp_cooldown_minutes"),
        sa.Column("max_stamps_per_day", sa.Integer),
        sa.Column("points_per_euro", sa.Numeric(10, 4), nullable=False, server_default="1"),
        _number("welcome_bonus_points"),
        _number("minimum_purchase_cents"),
        _number("minimum_redemption_points"),
        sa.Column("points_expiration_days", sa.Integer),
        sa.Column("expiration_changed_at", INSTANT),
        _number("reengagement_days", 60),
        sa.Column("terms_text", sa.Text, nullable=False, server_default=""),
        _number("terms_version", 1),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.CheckConstraint("type IN ('stamps', 'points', 'both')", name="type_known"),
        sa.CheckConstraint("colour ~* '^#[0-9a-f]{6}$'", name="colour_form"),
        sa.CheckConstraint("stamp_cooldown_minutes >= 0", name="stamp_cooldown_minutes_not_negative"),
        sa.CheckConstraint("max_stamps_per_day >= 1", name="max_stamps_per_day_positive"),
        sa.CheckConstraint("minimum_redemption_points >= 0", name="minimum_redemption_points_not_negative"),
        sa.CheckConstraint("points_expiration_days >= 1", name="points_expiration_days_positive"),
        sa.CheckConstraint("reengagement_days >= 1", name="reengagement_days_positive"),
        sa.CheckConstraint("terms_version >= 1", name="terms_version_positive"),
    )
    op.create_index(
        "uq_loyalty_programs_live", "loyalty_programs", ["merchant_id"], unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )


def _create_cards() -> None:
    op.create_table(
        "loyalty_cards",
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("customer_id", ID),
        sa.Column("program_id", ID, nullable=False),
        sa.Column("enrolled_at_store_id", ID, nullable=False),
        sa.Column("card_number", sa.Text, nullable=False),
        sa.Column("qr_token", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        _number("stamp_count"),
        _number("points_balance"),
        _number("points_owed"),
        _number("stamps_target", None),
        sa.Column("last_activity_at", INSTANT, nullable=False),
        sa.Column("last_stamp_at", INSTANT),
        sa.Column("stamps_day", sa.Date),
        _number("stamps_today"),
        sa.Column("first_visit_at", INSTANT),
        _number("visit_count"),
        _number("total_stamps_earned", kind=sa.BigInteger),
        _number("total_stamps_redeemed", kind=sa.BigInteger),
        _number("total_stamps_voided", kind=sa.BigInteger),
        _number("total_points_earned", kind=sa.BigInteger),
        _number("total_points_redeemed", kind=sa.BigInteger),
        _number("total_points_voided", kind=sa.BigInteger),
        sa.Column("merged_into_id", ID),
        sa.Column("notes", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deactivated_at", INSTANT),
        sa.Column("deleted_at", INSTANT),
        sa.ForeignKeyConstraint(["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"]),
        sa.ForeignKeyConstraint(["merchant_id", "program_id"], ["loyalty_programs.merchant_id", "loyalty_programs.id"]),
        sa.ForeignKeyConstraint(["merchant_id", "enrolled_at_store_id"], ["tenancy_stores.merchant_id", "tenancy_stores.id"]),
        sa.ForeignKeyConstraint(["merchant_id", "merged_into_id"], ["loyalty_cards.merchant_id", "loyalty_cards.id"]),
        sa.CheckConstraint("status IN ('active', 'deactivated', 'merged')", name="status_known"),
        sa.CheckConstraint("merged_into_id IS NULL OR status = 'merged'", name="merged_into_known"),
        sa.CheckConstraint("points_owed >= 0", name="points_owed_not_negative"),
        sa.CheckConstraint("points_owed = 0 OR points_balance <= 0", name="owed_without_balance"),
        sa.CheckConstraint("stamps_today >= 0", name="stamps_today_not_negative"),
        sa.CheckConstraint("visit_count >= 0", name="visit_count_not_negative"),
        # Room for new versions of a card on its own page: a stamp then touches no index (HOT).
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("uq_loyalty_cards_merchant_id_card_number", "loyalty_cards", ["merchant_id", "card_number"], unique=True)
    op.create_index("uq_loyalty_cards_merchant_id_qr_token", "loyalty_cards", ["merchant_id", "qr_token"], unique=True)
    op.create_index(
        "uq_loyalty_cards_live_per_merchant",
        "loyalty_cards",
        ["merchant_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND status <> 'merged'"),
    )
    op.create_index("ix_loyalty_cards_merchant_id_customer_id", "loyalty_cards", ["merchant_id", "customer_id"])
    op.create_index("ix_loyalty_cards_merchant_id_created_at_id", "loyalty_cards", ["merchant_id", "created_at", "id"])


def _create_transactions() -> None:
    types = ", ".join(f"'{word}'" for word in TRANSACTION_TYPES)
    op.create_table(
        "loyalty_transactions",
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("card_id", ID, nullable=False),
        sa.Column("store_id", ID),
        sa.Column("type", sa.Text, nullable=False),
        _number("stamps_delta", None),
        _number("points_delta", None),
        _number("owed_delta", None),
        _number("stamps_after", None),
        _number("points_after", None),
        _number("owed_after", None),
        _number("points_forgiven"),
        _number("stamps_forgiven"),
        sa.Column("amount_cents", sa.Integer),
        sa.Column("points_rate", sa.Integer),
        sa.Column("stamps_target", sa.Integer),
        sa.Column("quota_day", sa.Date),
        sa.Column("reverses_id", ID),
        sa.Column("refunds_id", ID),
        sa.Column("reward_id", ID),
        sa.Column("order_reference", sa.Text),
        sa.Column("op_key", sa.Text, nullable=False),
        sa.Column("terminal_id", ID),
        sa.Column("staff_pin_id", ID),
        sa.Column("user_id", ID),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["merchant_id", "card_id"], ["loyalty_cards.merchant_id", "loyalty_cards.id"]),
        sa.CheckConstraint(f"type IN ({types})", name="type_known"),
        sa.CheckConstraint("stamps_after >= 0", name="stamps_after_not_negative"),
        sa.CheckConstraint("points_after >= 0", name="points_after_not_negative"),
        sa.CheckConstraint("owed_after >= 0", name="owed_after_not_negative"),
        sa.CheckConstraint("points_forgiven >= 0", name="points_forgiven_not_negative"),
        sa.CheckConstraint("stamps_forgiven >= 0", name="stamps_forgiven_not_negative"),
        sa.CheckConstraint("char_length(order_reference) BETWEEN 1 AND 64", name="order_reference_length"),
        sa.CheckConstraint("char_length(op_key) BETWEEN 1 AND 400", name="op_key_length"),
    )
    table = "loyalty_transactions"
    op.create_index("uq_loyalty_transactions_op_key", table, ["merchant_id", "op_key"], unique=True)
    op.create_index(
        "uq_loyalty_transactions_reverses_id",
        table,
        ["merchant_id", "reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_index(
        "uq_loyalty_transactions_order_reference",
        table,
        ["merchant_id", "store_id", "order_reference"],
        unique=True,
        postgresql_where=sa.text("order_reference IS NOT NULL AND type = 'points_earned'"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_refunds_id",
        table,
        ["merchant_id", "refunds_id"],
        postgresql_where=sa.text("refunds_id IS NOT NULL"),
    )
    op.create_index("ix_loyalty_transactions_merchant_id_card_id_created_at_id", table, ["merchant_id", "card_id", "created_at", "id"])
    op.create_index("ix_loyalty_transactions_merchant_id_created_at", table, ["merchant_id", "created_at"])
