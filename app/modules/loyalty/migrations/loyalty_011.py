"""The index by which one store's cards are listed, the newest or the oldest first. No stamp changes a column of it.

Revision ID: loyalty_011
"""

from app.core.db import indexes

revision = "loyalty_011"
down_revision = "loyalty_010"
branch_labels = None
depends_on = None

NAME = "ix_loyalty_cards_merchant_id_store_created_at_id"


def upgrade() -> None:
    """Build it beside the traffic."""
    with indexes.beside_traffic():
        indexes.build(NAME, "loyalty_cards (merchant_id, enrolled_at_store_id, created_at, id)")


def downgrade() -> None:
    """Drop it."""
    with indexes.beside_traffic():
        indexes.drop(NAME)
