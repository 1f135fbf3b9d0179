"""Mails to users: of a merchant's team, and of the platform about their password, which belong to no merchant.

Such a row has no merchant_id, so the merchant can no longer be a part of the key. The policies stay as they are: to the
application's role a row without a merchant does not exist, to orion_platform it does.

Revision ID: messaging_002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "messaging_002"
down_revision = "messaging_001"
branch_labels = None
depends_on = ("tenancy_001",)

TABLE = "messaging_mails"


def upgrade() -> None:
    """Add the user, let the merchant be absent, and key by the mail and by its outbox message, each unique by itself."""
    op.add_column(TABLE, sa.Column("user_id", UUID(as_uuid=True), sa.ForeignKey("tenancy_users.id", name="fk_messaging_mails_user_id")))
    op.drop_constraint("pk_messaging_mails", TABLE)
    op.drop_constraint("uq_messaging_mails_merchant_id_outbox_id", TABLE)
    op.alter_column(TABLE, "merchant_id", nullable=True)
    op.create_primary_key("pk_messaging_mails", TABLE, ["id"])
    op.create_unique_constraint("uq_messaging_mails_outbox_id", TABLE, ["outbox_id"])
    op.create_index("ix_messaging_mails_user_id", TABLE, ["user_id"])
    op.create_check_constraint("one_person", TABLE, "num_nonnulls(customer_id, user_id) <= 1")
    op.create_check_constraint("customer_has_merchant", TABLE, "customer_id IS NULL OR merchant_id IS NOT NULL")


def downgrade() -> None:
    """Forget the mails that messaging_001 has no room for, those without a merchant, and go back to its keys."""
    op.execute(f"DELETE FROM {TABLE} WHERE merchant_id IS NULL")
    op.drop_constraint("ck_messaging_mails_customer_has_merchant", TABLE)
    op.drop_constraint("ck_messaging_mails_one_person", TABLE)
    op.drop_constraint("uq_messaging_mails_outbox_id", TABLE)
    op.drop_constraint("pk_messaging_mails", TABLE)
    op.alter_column(TABLE, "merchant_id", nullable=False)
    op.create_primary_key("pk_messaging_mails", TABLE, ["merchant_id", "id"])
    op.create_unique_constraint("uq_messaging_mails_merchant_id_outbox_id", TABLE, ["merchant_id", "outbox_id"])
    op.drop_index("ix_messaging_mails_user_id", TABLE)
    op.drop_column(TABLE, "user_id")
