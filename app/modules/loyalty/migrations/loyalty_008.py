"""Imports from other systems (G8): what was uploaded, how far it is, what is wrong with which line; card numbers of other systems.

Revision ID: loyalty_008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from app.core.db import indexes
from app.core.db.rls import protect_tenant_table

revision = "loyalty_008"
down_revision = "loyalty_007"
branch_labels = None
depends_on = None

ID = UUID(as_uuid=True)
INSTANT = sa.DateTime(timezone=True)
EMPTY = sa.text("'{}'::jsonb")
CARDS, IMPORTS, PROBLEMS = "loyalty_cards", "loyalty_imports", "loyalty_import_problems"
BY_EXTERNAL_NUMBER = "uq_loyalty_cards_merchant_id_external_number"


def upgrade() -> None:
    """Add a column, which rewrites nothing, its index beside the traffic, and two tables."""
    # An interruption after this may run again.
    op.execute(f"ALTER TABLE {CARDS} ADD COLUMN IF NOT EXISTS external_number text")
    with indexes.beside_traffic():
        indexes.build(BY_EXTERNAL_NUMBER, f"{CARDS} (merchant_id, external_number) WHERE external_number IS NOT NULL", is_unique=True)
    op.create_table(
        IMPORTS,
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("file_id", ID),
        sa.Column("encoding", sa.Text),
        sa.Column("choices", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("size_bytes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lines", sa.Integer, nullable=False, server_default="0"),
        sa.Column("counts", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("error", sa.Text),
        sa.Column("user_id", ID),
        sa.Column("acting_admin_id", ID),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint("status IN ('uploading', 'uploaded', 'checking', 'checked', 'running', 'done', 'failed')", name="status_known"),
    )
    op.create_index("ix_loyalty_imports_merchant_id_created_at_id", IMPORTS, ["merchant_id", "created_at", "id"])
    protect_tenant_table(op.get_bind(), IMPORTS, app=("SELECT", "INSERT", "UPDATE", "DELETE"))
    op.create_table(
        PROBLEMS,
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("import_id", ID, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "import_id"], [f"{IMPORTS}.merchant_id", f"{IMPORTS}.id"],
            name="fk_loyalty_import_problems_merchant_id_import_id", ondelete="CASCADE",
        ),
    )  # fmt: skip
    op.create_index("ix_loyalty_import_problems_merchant_id_import_id_line_id", PROBLEMS, ["merchant_id", "import_id", "line", "id"])
    protect_tenant_table(op.get_bind(), PROBLEMS, app=("SELECT", "INSERT", "DELETE"))


def downgrade() -> None:
    """Drop them: old systems' card numbers open no card any more."""
    op.drop_table(PROBLEMS)
    op.drop_table(IMPORTS)
    op.drop_index(BY_EXTERNAL_NUMBER, CARDS)
    op.drop_column(CARDS, "external_number")
