"""When somebody of a team was last at their merchant: who never was has not taken up the invitation yet.

Revision ID: tenancy_004
"""

import sqlalchemy as sa
from alembic import op

revision = "tenancy_004"
down_revision = "tenancy_003"
branch_labels = None
depends_on = None

# Sessions are kept for a week after they end; whoever has a password and no session any more was here at some time after joining.
FILL = """
UPDATE tenancy_memberships b SET last_signed_in_at = coalesce(
  (SELECT max(s.created_at) FROM tenancy_sessions s WHERE s.kind = 'user' AND s.merchant_id = b.merchant_id AND s.user_id = b.user_id),
  (SELECT b.created_at FROM tenancy_users u WHERE u.id = b.user_id AND u.password_hash IS NOT NULL))
"""


def upgrade() -> None:
    """Add the column, filled from sessions."""
    op.add_column("tenancy_memberships", sa.Column("last_signed_in_at", sa.DateTime(timezone=True)))
    op.execute(FILL)


def downgrade() -> None:
    """Drop it."""
    op.drop_column("tenancy_memberships", "last_signed_in_at")
