"""What sweeps, greetings and the platform's own corrections remember.

When a card was last warned of expiring points (C5) and last asked to come back (C7), who was greeted in which year (C6) and with
how many points, and which admin of the platform wrote a row of the ledger (G6).

Revision ID: loyalty_006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db import table_locks
from app.core.db.rls import protect_tenant_table

revision = "loyalty_006"
down_revision = "loyalty_005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)
GREETINGS = "loyalty_birthday_greetings"
TOUCHED = ("loyalty_programs", "customers", "loyalty_cards", "loyalty_transactions")


def upgrade() -> None:
    """Add columns, none of which rewrites a table, and the table of greetings."""
    table_locks.take(*TOUCHED)
    op.add_column("loyalty_cards", sa.Column("last_expiration_warning_at", INSTANT))
    op.add_column("loyalty_cards", sa.Column("last_reengagement_at", INSTANT))
    op.add_column("loyalty_transactions", sa.Column("acting_admin_id", ID))
    op.add_column("loyalty_programs", sa.Column("birthday_bonus_points", sa.Integer, nullable=False, server_default="0"))
    op.create_check_constraint("birthday_bonus_points_range", "loyalty_programs", "birthday_bonus_points BETWEEN 0 AND 1000000")
    op.create_table(
        GREETINGS,
        sa.Column("merchant_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("year", sa.SmallInteger, nullable=False),
        sa.Column("card_id", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "customer_id", "year"),
        sa.ForeignKeyConstraint(["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"]),
        sa.ForeignKeyConstraint(["merchant_id", "card_id"], ["loyalty_cards.merchant_id", "loyalty_cards.id"]),
    )
    op.create_index("ix_loyalty_birthday_greetings_merchant_id_card_id", GREETINGS, ["merchant_id", "card_id"])
    protect_tenant_table(op.get_bind(), GREETINGS, app=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    """Drop them: warnings and greetings of this year are forgotten, a greeting could go out again."""
    table_locks.take(*TOUCHED)
    op.drop_table(GREETINGS)
    op.drop_column("loyalty_programs", "birthday_bonus_points")  # and its check with it
    op.drop_column("loyalty_transactions", "acting_admin_id")
    op.drop_column("loyalty_cards", "last_reengagement_at")
    op.drop_column("loyalty_cards", "last_expiration_warning_at")
