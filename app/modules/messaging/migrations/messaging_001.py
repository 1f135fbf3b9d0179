"""The log of mails: one row per outbox message that became a mail.

Revision ID: messaging_001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import protect_tenant_table

revision = "messaging_001"
down_revision = None
branch_labels = ("messaging",)
depends_on = ("core_001", "customers_001")

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "messaging_mails",
        sa.Column("merchant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("outbox_id", UUID(as_uuid=True), nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("customer_id", UUID(as_uuid=True)),
        sa.Column("recipient", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("provider", sa.Text),
        sa.Column("provider_message_id", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.PrimaryKeyConstraint("merchant_id", "id", name="pk_messaging_mails"),
        sa.UniqueConstraint("merchant_id", "outbox_id", name="uq_messaging_mails_merchant_id_outbox_id"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"], name="fk_messaging_mails_merchant_id_customer_id"
        ),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed', 'suppressed')", name="state"),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        sa.CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
    )
    op.create_index("ix_messaging_mails_merchant_id_created_at", "messaging_mails", ["merchant_id", "created_at"])
    op.create_index("ix_messaging_mails_merchant_id_customer_id", "messaging_mails", ["merchant_id", "customer_id"])
    protect_tenant_table(op.get_bind(), "messaging_mails", app=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    """Drop it."""
    op.drop_table("messaging_mails")
