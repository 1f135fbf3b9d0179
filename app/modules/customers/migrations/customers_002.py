"""Consents, mailed sign-in links, and what is remembered of erased people to refuse a second welcome bonus.

Revision ID: customers_002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import APPEND_ONLY, make_append_only, protect_tenant_table

revision = "customers_002"
down_revision = "customers_001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "customer_consents",
        sa.Column("merchant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("customer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("text_version", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id", name="pk_customer_consents"),
        _customer("customer_consents"),
        sa.CheckConstraint("purpose IN ('terms', 'marketing')", name="purpose"),
        sa.CheckConstraint("action IN ('granted', 'withdrawn')", name="action"),
        sa.CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
    )
    op.create_index("ix_customer_consents_merchant_id_customer_id_at", "customer_consents", ["merchant_id", "customer_id", "at"])
    make_append_only(op.get_bind(), "customer_consents")
    protect_tenant_table(op.get_bind(), "customer_consents", app=APPEND_ONLY, platform=APPEND_ONLY)

    op.create_table(
        "customer_login_links",
        sa.Column("merchant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("customer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("merchant_id", "id", name="pk_customer_login_links"),
        sa.UniqueConstraint("merchant_id", "token_hash", name="uq_customer_login_links_merchant_id_token_hash"),
        _customer("customer_login_links"),
        sa.CheckConstraint("purpose IN ('sign_in', 'card')", name="purpose"),
    )
    op.create_index(
        "ix_customer_login_links_merchant_id_customer_id_created_at", "customer_login_links", ["merchant_id", "customer_id", "created_at"]
    )
    op.create_index("ix_customer_login_links_expires_at", "customer_login_links", ["expires_at"])
    protect_tenant_table(op.get_bind(), "customer_login_links")

    # No reference to the customer: the row must not lead back to anybody (domain.md, Points).
    op.create_table(
        "customer_returning_guards",
        sa.Column("merchant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("erased_on", sa.Date, nullable=False),
        sa.Column("guarded_until", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "id", name="pk_customer_returning_guards"),
        sa.UniqueConstraint("merchant_id", "fingerprint", name="uq_customer_returning_guards_merchant_id_fingerprint"),
        sa.CheckConstraint("guarded_until > erased_on", name="period"),
    )
    op.create_index("ix_customer_returning_guards_guarded_until", "customer_returning_guards", ["guarded_until"])
    protect_tenant_table(op.get_bind(), "customer_returning_guards")


def _customer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"], name=f"fk_{table}_merchant_id_customer_id"
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("customer_returning_guards", "customer_login_links", "customer_consents"):
        op.drop_table(table)
    op.execute("DROP FUNCTION IF EXISTS customer_consents_is_append_only()")
