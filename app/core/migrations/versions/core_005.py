"""Indexes by which the platform's admin reads the audit log: all of it, one person's, one admin's for merchants, one action's.

Revision ID: core_005
"""

from app.core.db import indexes

revision = "core_005"
down_revision = "core_004"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_core_audit_log_at_id": "core_audit_log (at, id)",
    "ix_core_audit_log_action_at_id": "core_audit_log (action, at, id)",
    "ix_core_audit_log_actor_id_at_id": "core_audit_log (actor_id, at, id) WHERE actor_id IS NOT NULL",
    "ix_core_audit_log_acting_admin_id_at_id": "core_audit_log (acting_admin_id, at, id) WHERE acting_admin_id IS NOT NULL",
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
