"""When the relay looks at a message again, an index per tenant for it, and the runs that beat has started.

Revision ID: core_002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from app.core.db.rls import grant_global_table

revision = "core_002"
down_revision = "core_001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PENDING = "done_at IS NULL AND dead_at IS NULL"


def upgrade() -> None:
    """Add `sweep_at` (NULL: at `available_at`) and core_schedule_runs."""
    op.add_column("core_outbox", sa.Column("sweep_at", INSTANT))
    op.drop_index("ix_core_outbox_due", "core_outbox")
    op.create_index(
        "ix_core_outbox_due", "core_outbox", ["merchant_id", sa.text("coalesce(sweep_at, available_at)")], postgresql_where=sa.text(PENDING)
    )
    op.create_index("ix_core_outbox_swept", "core_outbox", ["sweep_at"], postgresql_where=sa.text(f"{PENDING} AND sweep_at IS NOT NULL"))
    op.create_index("ix_core_outbox_done", "core_outbox", ["done_at"], postgresql_where=sa.text("done_at IS NOT NULL"))
    op.create_table(
        "core_schedule_runs",
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("subject_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("started_at", INSTANT, nullable=False),
    )
    op.create_index("ix_core_schedule_runs_started_at", "core_schedule_runs", ["started_at"])
    grant_global_table(op.get_bind(), "core_schedule_runs")
    op.create_index("ix_core_audit_log_addresses", "core_audit_log", ["at"], postgresql_where=sa.text("address IS NOT NULL"))


def downgrade() -> None:
    """Go back to one index over all tenants."""
    op.drop_index("ix_core_audit_log_addresses", "core_audit_log")
    op.drop_table("core_schedule_runs")
    for index in ("ix_core_outbox_done", "ix_core_outbox_swept", "ix_core_outbox_due"):
        op.drop_index(index, "core_outbox")
    op.drop_column("core_outbox", "sweep_at")
    op.create_index("ix_core_outbox_due", "core_outbox", ["available_at"], postgresql_where=sa.text(PENDING))
