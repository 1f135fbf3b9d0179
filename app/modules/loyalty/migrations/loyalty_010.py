"""Erasing people who stayed away for years, for merchants who want that: the setting, and the mail before it.

Revision ID: loyalty_010
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from app.modules.messaging.public import seed_templates

revision = "loyalty_010"
down_revision = "loyalty_009"
branch_labels = None
depends_on = ("messaging_004", "customers_004")

SETTINGS = "loyalty_merchant_settings"
MAILS = Path(__file__).with_name("mails_retention")


def upgrade() -> None:
    """Add the setting, which is off, and the mail in four languages."""
    op.add_column(SETTINGS, sa.Column("retention_years", sa.SmallInteger))
    op.create_check_constraint("retention_years_range", SETTINGS, "retention_years BETWEEN 1 AND 10")
    seed_templates(op.get_bind(), MAILS)


def downgrade() -> None:
    """Remove both; nobody is erased for staying away any more."""
    op.get_bind().execute(sa.text("DELETE FROM email_templates WHERE code = 'loyalty_retention'"))
    op.drop_column(SETTINGS, "retention_years")  # and its check with it
