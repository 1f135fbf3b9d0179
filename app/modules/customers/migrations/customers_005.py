"""People who are there twice: what finds them, and where somebody went who was merged into another.

Revision ID: customers_005
"""

from alembic import op

from app.core.db import indexes

revision = "customers_005"
down_revision = "customers_004"
branch_labels = None
depends_on = None

TABLE = "customers"
KEY, CHECK = "fk_customers_merchant_id_merged_into_id", "ck_customers_merged_is_empty"
# The same as domain/duplicates.py: many mail servers take a.nna+bakery@ and anna@ for one mailbox.
EMAIL_KEY = "replace(split_part(split_part(email_normalized, '@', 1), '+', 1), '.', '') || '@' || split_part(email_normalized, '@', 2)"
BY_EMAIL_KEY = "ix_customers_merchant_id_email_key"


def upgrade() -> None:
    """Add both columns; then, beside the traffic, prove the key and the check and build the index of the second.

    The second column writes the table anew, a second or so for 100,000 people: an index of the expression itself would not do, as
    row-level security lets no condition that calls such functions into an index. An interruption after this step may run again.
    """
    op.execute(
        f"""ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS merged_into_id uuid,
        ADD COLUMN IF NOT EXISTS email_key text COLLATE "C" GENERATED ALWAYS AS ({EMAIL_KEY}) STORED"""
    )
    op.execute(
        f"""ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {KEY}, DROP CONSTRAINT IF EXISTS {CHECK},
        ADD CONSTRAINT {KEY} FOREIGN KEY (merchant_id, merged_into_id) REFERENCES {TABLE} (merchant_id, id) NOT VALID,
        ADD CONSTRAINT {CHECK} CHECK (merged_into_id IS NULL OR anonymized_at IS NOT NULL) NOT VALID"""
    )
    with indexes.beside_traffic():
        for name in (KEY, CHECK):
            op.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {name}")
        indexes.build(BY_EMAIL_KEY, f"{TABLE} (merchant_id, email_key)")


def downgrade() -> None:
    """Drop them."""
    op.drop_column(TABLE, "email_key")  # and its index with it
    op.drop_column(TABLE, "merged_into_id")  # and its key and check with it
