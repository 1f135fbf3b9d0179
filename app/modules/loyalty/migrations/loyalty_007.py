"""Terms from the CMS (E1), and the trash: who put a program or card there, why, and what went with it (G1, G2).

Revision ID: loyalty_007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db import indexes, table_locks, trash

revision = "loyalty_007"
down_revision = "loyalty_006"
branch_labels = None
depends_on = None

PROGRAMS, CARDS = "loyalty_programs", "loyalty_cards"
# Cards in the trash are few, or all of a merchant's: neither index holds a live card, so a stamp touches none of them.
BY_TIME = "ix_loyalty_cards_merchant_id_deleted_at_id"
INDEXES = {
    BY_TIME: "loyalty_cards (merchant_id, deleted_at, id) WHERE deleted_at IS NOT NULL",
    "ix_loyalty_cards_merchant_id_deletion_id_id": "loyalty_cards (merchant_id, deletion_id, id) WHERE deletion_id IS NOT NULL",
}
# Nothing of these is in the ledger: a card's rows hold it by their foreign key, the others go with their card, program or store.
DELETABLE = (
    PROGRAMS,
    CARDS,
    "loyalty_rewards",
    "loyalty_birthday_greetings",
    "loyalty_staff_pins",
    "loyalty_terminals",
    "loyalty_pairing_codes",
)


def upgrade() -> None:
    """Add columns, none of which rewrites a table; build the indexes beside the traffic; let what lies in the trash be deleted.

    The cards come first and can be run again after an interruption; the rest is one transaction.
    """
    trash.add_columns(CARDS)
    with indexes.beside_traffic():
        for name, definition in INDEXES.items():
            indexes.build(name, definition)
    table_locks.take("tenancy_stores", PROGRAMS, CARDS)
    trash.add_columns(PROGRAMS)
    op.add_column(PROGRAMS, sa.Column("terms_cms_page_slug", sa.Text))
    op.add_column(PROGRAMS, sa.Column("owning_store_id", UUID(as_uuid=True)))
    op.create_foreign_key(
        op.f("fk_loyalty_programs_merchant_id_owning_store_id"),
        PROGRAMS,
        "tenancy_stores",
        ["merchant_id", "owning_store_id"],
        ["merchant_id", "id"],
    )
    for table in (PROGRAMS, CARDS):
        trash.lock_live_rows(table)
    for table in DELETABLE:
        op.execute(f"GRANT DELETE ON {table} TO orion_app")


def downgrade() -> None:
    """Drop them: what lies in the trash stays there, who put it there is forgotten."""
    table_locks.take("tenancy_stores", PROGRAMS, CARDS)
    for table in DELETABLE:
        op.execute(f"REVOKE DELETE ON {table} FROM orion_app")
    for table in (PROGRAMS, CARDS):
        trash.unlock_live_rows(table)
    op.drop_column(PROGRAMS, "owning_store_id")  # and its key with it
    op.drop_column(PROGRAMS, "terms_cms_page_slug")
    op.drop_index(BY_TIME, CARDS)  # the other index goes with its column
    for table in (PROGRAMS, CARDS):
        trash.drop_columns(table)
