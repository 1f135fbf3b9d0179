"""Work on many things that a person asks for, item by item, and files to download.

Revision ID: core_004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from app.core.db.rls import protect_tenant_table

revision = "core_004"
down_revision = "core_003"
branch_labels = None
depends_on = None

ID = UUID(as_uuid=True)
INSTANT = sa.DateTime(timezone=True)
EMPTY = sa.text("'{}'::jsonb")


def upgrade() -> None:
    """Create the tables of bulk jobs and of files."""
    _create_bulk_jobs()
    _create_files()


def _create_bulk_jobs() -> None:
    op.create_table(
        "core_bulk_jobs",
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="queued"),
        sa.Column("params", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("counts", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("requested_by_user_id", ID),
        sa.Column("acting_admin_id", ID),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("error", sa.Text),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="ck_core_bulk_jobs_state"),
        sa.CheckConstraint("total >= 0", name="ck_core_bulk_jobs_total"),
    )
    op.create_index("ix_core_bulk_jobs_created_at", "core_bulk_jobs", ["created_at"])
    protect_tenant_table(op.get_bind(), "core_bulk_jobs", app=("SELECT", "INSERT", "UPDATE"))
    op.create_table(
        "core_bulk_items",
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("job_id", ID, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", JSONB),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
        sa.CheckConstraint("outcome IN ('ok', 'not_found', 'conflict', 'error')", name="ck_core_bulk_items_outcome"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "job_id"],
            ["core_bulk_jobs.merchant_id", "core_bulk_jobs.id"],
            name="fk_core_bulk_items_job",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_core_bulk_items_outcome", "core_bulk_items", ["merchant_id", "job_id", "outcome", "position"])
    protect_tenant_table(op.get_bind(), "core_bulk_items", app=("SELECT", "INSERT", "UPDATE"))


def _create_files() -> None:
    op.create_table(
        "core_files",
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("parts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("customer_id", ID),
        sa.Column("requested_by_user_id", ID),
        sa.Column("job_id", ID),
    )
    op.create_index("ix_core_files_expires_at", "core_files", ["expires_at"])
    op.create_index(
        "ix_core_files_customer_id", "core_files", ["merchant_id", "customer_id"], postgresql_where=sa.text("customer_id IS NOT NULL")
    )
    op.create_index("ix_core_files_job_id", "core_files", ["merchant_id", "job_id"], postgresql_where=sa.text("job_id IS NOT NULL"))
    protect_tenant_table(op.get_bind(), "core_files")
    op.create_table(
        "core_file_parts",
        sa.Column("merchant_id", ID, primary_key=True),
        sa.Column("file_id", ID, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("length(data) <= 262144", name="ck_core_file_parts_size"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "file_id"], ["core_files.merchant_id", "core_files.id"], name="fk_core_file_parts_file", ondelete="CASCADE"
        ),
    )
    # Compressing what is often compressed already only costs time.
    op.execute("ALTER TABLE core_file_parts ALTER COLUMN data SET STORAGE EXTERNAL")
    protect_tenant_table(op.get_bind(), "core_file_parts")


def downgrade() -> None:
    """Drop them."""
    for table in ("core_file_parts", "core_files", "core_bulk_items", "core_bulk_jobs"):
        op.drop_table(table)
