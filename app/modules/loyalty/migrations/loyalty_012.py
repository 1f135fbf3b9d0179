"""Every text that a program's own terms had, so that people can read what they agreed to (E1).

Revision ID: loyalty_012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import protect_tenant_table

revision = "loyalty_012"
down_revision = "loyalty_011"
branch_labels = None
depends_on = None

TABLE = "loyalty_terms_texts"
# Of texts before the present one only the number is known; since when the present one counts is not, so it counts from the beginning.
KEEP_PRESENT = f"""
INSERT INTO {TABLE} (merchant_id, program_id, version, text, created_at)
SELECT merchant_id, id, terms_version, terms_text, created_at FROM loyalty_programs
"""


def upgrade() -> None:
    """Create the table and keep the present texts. It has no key to the program: who agreed may outlast it."""
    op.create_table(
        TABLE,
        sa.Column("merchant_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("program_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    protect_tenant_table(op.get_bind(), TABLE, app=("SELECT", "INSERT"))
    op.execute(KEEP_PRESENT)


def downgrade() -> None:
    """Drop it: the present texts stay with their programs."""
    op.drop_table(TABLE)
