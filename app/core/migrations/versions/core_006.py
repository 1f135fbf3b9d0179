"""The index by which a merchant reads its audit log, a page at a time: entries of one transaction share their instant.

Revision ID: core_006
"""

from app.core.db import indexes

revision = "core_006"
down_revision = "core_005"
branch_labels = None
depends_on = None

OLD, NEW = "ix_core_audit_log_merchant_id_at", "ix_core_audit_log_merchant_id_at_id"


def upgrade() -> None:
    """Build it beside the traffic, then drop the one whose part it plays as well."""
    with indexes.beside_traffic():
        indexes.build(NEW, "core_audit_log (merchant_id, at, id)")
        indexes.drop(OLD)


def downgrade() -> None:
    """Go back to the shorter one."""
    with indexes.beside_traffic():
        indexes.build(OLD, "core_audit_log (merchant_id, at)")
        indexes.drop(NEW)
