"""When somebody signed in last, and the platform's list of people by name.

Revision ID: tenancy_003
"""

import sqlalchemy as sa
from alembic import op

revision = "tenancy_003"
down_revision = "tenancy_002"
branch_labels = None
depends_on = None

# Sessions are kept for a week after they end: who signed in before that is known from the next time on.
FILL = """
UPDATE tenancy_users u SET last_signed_in_at = s.at
FROM (SELECT user_id, max(created_at) AS at FROM tenancy_sessions WHERE kind = 'user' GROUP BY user_id) s WHERE s.user_id = u.id
"""


def upgrade() -> None:
    """Add the column, filled from sessions, and the indexes of the list."""
    op.add_column("tenancy_users", sa.Column("last_signed_in_at", sa.DateTime(timezone=True)))
    op.execute(FILL)
    op.create_index("ix_tenancy_users_name", "tenancy_users", [sa.text("lower(display_name)"), "id"])
    op.create_index("ix_tenancy_users_created_at", "tenancy_users", ["created_at", "id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_tenancy_users_created_at", "tenancy_users")
    op.drop_index("ix_tenancy_users_name", "tenancy_users")
    op.drop_column("tenancy_users", "last_signed_in_at")
