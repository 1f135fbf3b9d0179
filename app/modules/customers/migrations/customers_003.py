"""Birthdays (requirements A9).

Revision ID: customers_003
"""

import sqlalchemy as sa
from alembic import op

revision = "customers_003"
down_revision = "customers_002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nobody's birthday is known yet, and an erased customer never has one."""
    op.add_column("customers", sa.Column("birth_date", sa.Date))
    op.create_check_constraint("erased_has_no_birth_date", "customers", "anonymized_at IS NULL OR birth_date IS NULL")


def downgrade() -> None:
    """Drop it, with the birthdays in it."""
    op.drop_constraint(op.f("ck_customers_erased_has_no_birth_date"), "customers", type_="check")
    op.drop_column("customers", "birth_date")
