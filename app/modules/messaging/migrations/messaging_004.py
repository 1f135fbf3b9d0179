"""What became of mails after the provider took them, addresses that get none, and mails that customers do without.

Addresses are kept as keyed hashes only, so that nothing personal is left when somebody is erased.

Revision ID: messaging_004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import protect_tenant_table

revision = "messaging_004"
down_revision = "messaging_003"
branch_labels = None
depends_on = ("customers_001",)

INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)
LOGS = "email_logs"


def upgrade() -> None:
    """Create the tables, and let the log of mails say what a provider told later."""
    op.add_column(LOGS, sa.Column("delivery", sa.Text))
    op.add_column(LOGS, sa.Column("delivery_at", INSTANT))
    op.create_check_constraint("delivery", LOGS, "delivery IN ('delivered', 'soft_bounce', 'hard_bounce', 'complaint')")
    op.create_check_constraint("delivery_has_time", LOGS, "(delivery IS NULL) = (delivery_at IS NULL)")
    op.create_index(
        "ix_email_logs_provider_message_id", LOGS, ["provider_message_id"], postgresql_where=sa.text("provider_message_id IS NOT NULL")
    )
    op.create_table(
        "email_suppressions",
        sa.Column("id", ID, nullable=False),
        sa.Column("merchant_id", ID),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_email_suppressions"),
        sa.UniqueConstraint(
            "merchant_id", "fingerprint", name="uq_email_suppressions_merchant_id_fingerprint", postgresql_nulls_not_distinct=True
        ),
        sa.CheckConstraint("reason IN ('hard_bounce', 'complaint', 'manual', 'soft_bounces')", name="reason"),
        sa.CheckConstraint("(reason = 'soft_bounces') = (ends_at IS NOT NULL)", name="only_pauses_end"),
    )
    op.create_table(
        "email_soft_bounces",
        sa.Column("mail_id", ID, nullable=False),
        sa.Column("merchant_id", ID),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("mail_id", name="pk_email_soft_bounces"),
    )
    op.create_index("ix_email_soft_bounces_merchant_id_fingerprint_at", "email_soft_bounces", ["merchant_id", "fingerprint", "at"])
    op.create_table(
        "email_opt_outs",
        sa.Column("merchant_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "customer_id", "category", name="pk_email_opt_outs"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"], name="fk_email_opt_outs_merchant_id_customer_id"
        ),
        sa.CheckConstraint("category IN ('reminder')", name="category"),
    )
    protect_tenant_table(op.get_bind(), "email_suppressions", app=("SELECT", "INSERT", "UPDATE"))
    for table in ("email_soft_bounces", "email_opt_outs"):
        protect_tenant_table(op.get_bind(), table, app=("SELECT", "INSERT", "DELETE"))


def downgrade() -> None:
    """Drop them: what bounced is forgotten, and so is who does without reminders."""
    for table in ("email_opt_outs", "email_soft_bounces", "email_suppressions"):
        op.drop_table(table)
    op.drop_index("ix_email_logs_provider_message_id", LOGS)
    op.drop_constraint("ck_email_logs_delivery_has_time", LOGS)
    op.drop_constraint("ck_email_logs_delivery", LOGS)
    op.drop_column(LOGS, "delivery_at")
    op.drop_column(LOGS, "delivery")
