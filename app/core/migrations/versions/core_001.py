"""Outbox, idempotent answers and the audit log.

Revision ID: core_001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from app.core.db.rls import ALL, APPEND_ONLY, grant_global_table, protect_tenant_table

revision = "core_001"
down_revision = None
branch_labels = ("core",)
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables that every module writes to."""
    op.create_table(
        "core_outbox",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("merchant_id", UUID(as_uuid=True)),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("available_at", INSTANT, nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("deaths", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("done_at", INSTANT),
        sa.Column("dead_at", INSTANT),
        sa.Column("error", sa.Text),
    )
    op.create_index("ix_core_outbox_due", "core_outbox", ["available_at"], postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"))
    op.create_index("ix_core_outbox_dead", "core_outbox", ["dead_at"], postgresql_where=sa.text("dead_at IS NOT NULL"))
    protect_tenant_table(op.get_bind(), "core_outbox", app=("SELECT", "INSERT", "UPDATE"), platform=ALL)

    op.create_table(
        "core_idempotency",
        sa.Column("merchant_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("ix_core_idempotency_created_at", "core_idempotency", ["created_at"])
    protect_tenant_table(op.get_bind(), "core_idempotency", app=("SELECT", "INSERT"), platform=("SELECT", "DELETE", "UPDATE"))

    op.create_table(
        "core_audit_log",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("merchant_id", UUID(as_uuid=True)),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target_type", sa.Text, nullable=False),
        sa.Column("target_id", UUID(as_uuid=True)),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", UUID(as_uuid=True)),
        sa.Column("staff_pin_id", UUID(as_uuid=True)),
        sa.Column("acting_admin_id", UUID(as_uuid=True)),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("details", JSONB, nullable=False),
    )
    op.create_index("ix_core_audit_log_merchant_id_at", "core_audit_log", ["merchant_id", "at"])
    op.create_index("ix_core_audit_log_merchant_id_target_id", "core_audit_log", ["merchant_id", "target_id"])
    # The platform's role alone may scrub: addresses after 90 days, values of an erased person (domain.md, Privacy).
    protect_tenant_table(op.get_bind(), "core_audit_log", app=APPEND_ONLY, platform=("SELECT", "INSERT", "UPDATE"))

    op.create_table(
        "core_heartbeats",
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.Column("details", JSONB, nullable=False, server_default="{}"),
    )
    grant_global_table(op.get_bind(), "core_heartbeats", platform=ALL)


def downgrade() -> None:
    """Drop them."""
    for table in ("core_heartbeats", "core_audit_log", "core_idempotency", "core_outbox"):
        op.drop_table(table)
