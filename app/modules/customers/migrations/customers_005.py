"""People who are there twice: what finds them, and where somebody went who was merged into another.

Revision ID: customers_005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "customers_005"
down_revision = "customers_004"
branch_labels = None
depends_on = None

TABLE = "customers"
# The same as domain/duplicates.py: many mail servers take a.nna+bakery@ and anna@ for one mailbox.
EMAIL_KEY = "replace(split_part(split_part(email_normalized, '@', 1), '+', 1), '.', '') || '@' || split_part(email_normalized, '@', 2)"


def upgrade() -> None:
    """Add both columns, with an index to find people by the first."""
    op.add_column(TABLE, sa.Column("merged_into_id", UUID(as_uuid=True)))
    op.add_column(TABLE, sa.Column("email_key", sa.Text(collation="C"), sa.Computed(EMAIL_KEY, persisted=True)))
    op.create_foreign_key(
        "fk_customers_merchant_id_merged_into_id", TABLE, TABLE, ["merchant_id", "merged_into_id"], ["merchant_id", "id"]
    )  # fmt: skip
    op.create_check_constraint("merged_is_empty", TABLE, "merged_into_id IS NULL OR anonymized_at IS NOT NULL")
    op.create_index("ix_customers_merchant_id_email_key", TABLE, ["merchant_id", "email_key"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_customers_merchant_id_email_key", TABLE)
    op.drop_constraint("merged_is_empty", TABLE, type_="check")
    op.drop_constraint("fk_customers_merchant_id_merged_into_id", TABLE, type_="foreignkey")
    op.drop_column(TABLE, "email_key")
    op.drop_column(TABLE, "merged_into_id")
