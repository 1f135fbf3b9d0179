"""Long runs with their progress, what scheduled tasks did, alerts and their notices, refusals per store.

Revision ID: core_003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from app.core.db.rls import grant_global_table, protect_tenant_table

revision = "core_003"
down_revision = "core_002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
EMPTY = sa.text("'{}'::jsonb")


def upgrade() -> None:
    """Create the tables of background work that is watched."""
    _create_job_runs()
    _create_alerts()
    op.create_table(
        "core_task_stats",
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("subject_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("runs", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("last_started_at", INSTANT, nullable=False),
        sa.Column("last_seconds", sa.Float, nullable=False),
        sa.Column("last_outcome", sa.Text, nullable=False),
        sa.Column("last_reason", sa.Text),
        sa.Column("last_success_at", INSTANT),
    )
    op.create_index("ix_core_task_stats_day", "core_task_stats", ["day"])
    grant_global_table(op.get_bind(), "core_task_stats")
    op.create_table(
        "core_store_refusals",
        sa.Column("minute", INSTANT, primary_key=True),
        sa.Column("store_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    grant_global_table(op.get_bind(), "core_store_refusals")


def _create_job_runs() -> None:
    op.create_table(
        "core_job_runs",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("merchant_id", UUID(as_uuid=True)),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("cursor", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("counts", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("heartbeat_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("error", sa.Text),
        sa.CheckConstraint("status IN ('running', 'done', 'failed')", name="ck_core_job_runs_status"),
        sa.UniqueConstraint("merchant_id", "kind", "period", name="uq_core_job_runs_period", postgresql_nulls_not_distinct=True),
    )
    op.create_index("ix_core_job_runs_kind_started_at", "core_job_runs", ["kind", "started_at"])
    op.create_index("ix_core_job_runs_open", "core_job_runs", ["heartbeat_at"], postgresql_where=sa.text("status <> 'done'"))
    op.create_index("ix_core_job_runs_started_at", "core_job_runs", ["started_at"])
    protect_tenant_table(op.get_bind(), "core_job_runs", app=("SELECT", "INSERT", "UPDATE"))


def _create_alerts() -> None:
    op.create_table(
        "core_alerts",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("merchant_id", UUID(as_uuid=True)),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("details", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("cleared_at", INSTANT),
        sa.CheckConstraint("severity IN ('page', 'warn', 'investigate')", name="ck_core_alerts_severity"),
    )
    op.create_index(
        "uq_core_alerts_open",
        "core_alerts",
        ["merchant_id", "rule", "subject"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_index("ix_core_alerts_cleared_at", "core_alerts", ["cleared_at"], postgresql_where=sa.text("cleared_at IS NOT NULL"))
    protect_tenant_table(op.get_bind(), "core_alerts", app=("SELECT", "INSERT", "UPDATE"))
    op.create_table(
        "core_alert_notices",
        sa.Column("alert_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("phase", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("due_at", INSTANT),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("sent_at", INSTANT),
        sa.Column("error", sa.Text),
        sa.CheckConstraint("phase IN ('opened', 'cleared')", name="ck_core_alert_notices_phase"),
    )
    op.create_index("ix_core_alert_notices_due_at", "core_alert_notices", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    grant_global_table(op.get_bind(), "core_alert_notices")


def downgrade() -> None:
    """Drop them."""
    for table in ("core_alert_notices", "core_alerts", "core_job_runs", "core_store_refusals", "core_task_stats"):
        op.drop_table(table)
