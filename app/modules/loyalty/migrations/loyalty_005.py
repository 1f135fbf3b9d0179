"""Loyalty's mails: seven templates in four languages (C3), from the documents in `mails/`.

Revision ID: loyalty_005
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from app.modules.messaging.public import seed_templates

revision = "loyalty_005"
down_revision = "loyalty_004"
branch_labels = None
depends_on = ("messaging_003",)

MAILS = Path(__file__).with_name("mails")


def upgrade() -> None:
    """Write the rows that are not there."""
    seed_templates(op.get_bind(), MAILS)


def downgrade() -> None:
    """Remove them, and with them what merchants have made of them."""
    codes = [path.stem for path in MAILS.glob("*.toml")]
    op.get_bind().execute(sa.text("DELETE FROM email_templates WHERE code = ANY(:codes)"), {"codes": codes})
