"""The index by which those are found who were merged into somebody: on erasing them, and on merging them once more.

Revision ID: customers_006
"""

from app.core.db import indexes

revision = "customers_006"
down_revision = "customers_005"
branch_labels = None
depends_on = None

NAME = "ix_customers_merged_into_id"


def upgrade() -> None:
    """Build it beside the traffic."""
    with indexes.beside_traffic():
        indexes.build(NAME, "customers (merchant_id, merged_into_id) WHERE merged_into_id IS NOT NULL")


def downgrade() -> None:
    """Drop it."""
    with indexes.beside_traffic():
        indexes.drop(NAME)
