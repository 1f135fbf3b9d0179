"""Indexes by which the platform's admin reads the cards of all merchants: the newest, those out of use, those in the trash.

None of them names a column that a stamp changes, so the hot path touches none; enrolling pays for one more entry.

Revision ID: loyalty_009
"""

from app.core.db import indexes

revision = "loyalty_009"
down_revision = "loyalty_008"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_loyalty_cards_created_at_id": "loyalty_cards (created_at, id) WHERE deleted_at IS NULL",
    "ix_loyalty_cards_status_created_at_id": "loyalty_cards (status, created_at, id) WHERE deleted_at IS NULL AND status <> 'active'",
    "ix_loyalty_cards_deleted_at_id": "loyalty_cards (deleted_at, id) WHERE deleted_at IS NOT NULL",
}


def upgrade() -> None:
    """Build them beside the traffic."""
    with indexes.beside_traffic():
        for name, definition in INDEXES.items():
            indexes.build(name, definition)


def downgrade() -> None:
    """Drop them."""
    with indexes.beside_traffic():
        for name in INDEXES:
            indexes.drop(name)
