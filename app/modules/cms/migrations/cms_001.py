"""Pages per store or for all stores: drafts by language, and what was published.

Versions cannot be changed by the application: what somebody agreed to stays as it was.

Revision ID: cms_001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from app.core.db import table_locks
from app.core.db.rls import APPEND_ONLY, protect_tenant_table

revision = "cms_001"
down_revision = None
branch_labels = ("cms",)
depends_on = ("tenancy_001",)

INSTANT = sa.DateTime(timezone=True)
ID = UUID(as_uuid=True)
PAGES, DRAFTS, VERSIONS = "cms_pages", "cms_page_drafts", "cms_page_versions"


def upgrade() -> None:
    """Create the tables; each merchant sees its own."""
    op.create_table(
        PAGES,
        sa.Column("merchant_id", ID, sa.ForeignKey("tenancy_merchants.id", name="fk_cms_pages_merchant_id"), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("store_id", ID),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("is_in_footer", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("published_version", sa.Integer),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("edited_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.PrimaryKeyConstraint("merchant_id", "id", name="pk_cms_pages"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["tenancy_stores.merchant_id", "tenancy_stores.id"],
            name="fk_cms_pages_merchant_id_store_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 60", name="slug_form"),
    )
    op.create_index(
        "uq_cms_pages_merchant_id_slug_store_id",
        PAGES,
        ["merchant_id", "slug", "store_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        DRAFTS,
        sa.Column("merchant_id", ID, nullable=False),
        sa.Column("page_id", ID, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("updated_by_user_id", ID),
        sa.PrimaryKeyConstraint("merchant_id", "page_id", "locale", name="pk_cms_page_drafts"),
        sa.CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
        belongs_to_page(DRAFTS),
    )
    op.create_table(
        VERSIONS,
        sa.Column("merchant_id", ID, nullable=False),
        sa.Column("page_id", ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("texts", JSONB, nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("published_by_user_id", ID),
        sa.PrimaryKeyConstraint("merchant_id", "page_id", "number", name="pk_cms_page_versions"),
        sa.UniqueConstraint("merchant_id", "slug", "number", name="uq_cms_page_versions_merchant_id_slug_number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        belongs_to_page(VERSIONS),
    )
    connection = op.get_bind()
    protect_tenant_table(connection, PAGES, app=("SELECT", "INSERT", "UPDATE"))
    protect_tenant_table(connection, DRAFTS)
    protect_tenant_table(connection, VERSIONS, app=APPEND_ONLY, platform=APPEND_ONLY)


def belongs_to_page(table: str) -> sa.ForeignKeyConstraint:
    """Return the key to the page, with which its texts go when its store is deleted for good."""
    return sa.ForeignKeyConstraint(
        ["merchant_id", "page_id"], ["cms_pages.merchant_id", "cms_pages.id"], name=f"fk_{table}_merchant_id_page_id", ondelete="CASCADE"
    )


def downgrade() -> None:
    """Drop the pages and all that was published."""
    table_locks.take("tenancy_merchants", "tenancy_stores")
    for table in (VERSIONS, DRAFTS, PAGES):
        op.drop_table(table)
