"""Customers of a merchant: one live row per e-mail address, found by address, end of the phone number or start of a name.

Revision ID: customers_001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import protect_tenant_table

revision = "customers_001"
down_revision = None
branch_labels = ("customers",)
depends_on = ("core_001", "tenancy_001")

INSTANT = sa.DateTime(timezone=True)
# Compared byte by byte in every database: ranges over these columns are prefixes. Row-level security lets an index serve only
# leakproof operators, and `<`, `>=` on plain text columns are; LIKE and lower() are not.
SEARCHED = sa.Text(collation="C")
IS_LIVE = sa.text("anonymized_at IS NULL")


def upgrade() -> None:
    """Create the table and the indexes of its look-ups."""
    op.create_table(
        "customers",
        sa.Column("merchant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("first_name", sa.Text),
        sa.Column("last_name", sa.Text),
        sa.Column("first_name_search", SEARCHED),
        sa.Column("last_name_search", SEARCHED),
        sa.Column("email", sa.Text),
        sa.Column("email_normalized", SEARCHED),
        sa.Column("phone", sa.Text),
        sa.Column("phone_normalized", SEARCHED),
        sa.Column("phone_reversed", SEARCHED, sa.Computed("reverse(phone_normalized)", persisted=True)),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("registered_store_id", UUID(as_uuid=True)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("anonymized_at", INSTANT),
        sa.PrimaryKeyConstraint("merchant_id", "id", name="pk_customers"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "registered_store_id"],
            ["tenancy_stores.merchant_id", "tenancy_stores.id"],
            name="fk_customers_merchant_id_registered_store_id",
        ),
        sa.CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
        sa.CheckConstraint(
            "anonymized_at IS NOT NULL OR num_nulls(first_name, last_name, email, email_normalized) = 0", name="live_is_known"
        ),
        sa.CheckConstraint(
            "anonymized_at IS NULL OR num_nonnulls(first_name, last_name, first_name_search, last_name_search, email, email_normalized,"
            " phone, phone_normalized) = 0",
            name="erased_is_empty",
        ),
    )
    op.create_index(
        "uq_customers_merchant_id_email_normalized", "customers", ["merchant_id", "email_normalized"], unique=True, postgresql_where=IS_LIVE
    )
    op.create_index("ix_customers_merchant_id_phone_reversed", "customers", ["merchant_id", "phone_reversed"])
    op.create_index("ix_customers_merchant_id_last_name_search", "customers", ["merchant_id", "last_name_search", "first_name_search"])
    op.create_index("ix_customers_merchant_id_first_name_search", "customers", ["merchant_id", "first_name_search", "last_name_search"])
    protect_tenant_table(op.get_bind(), "customers", app=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("customers")
