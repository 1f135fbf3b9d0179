"""Mail templates in the database, versions of merchants' own, and the log of mails under its lasting name.

The log is renamed with everything that carries its name. `is_test` marks mails that somebody sent to themselves to see them.

Revision ID: messaging_003
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from app.core.db.rls import grant_global_table, protect_tenant_table
from app.modules.messaging.public import seed_templates

revision = "messaging_003"
down_revision = "messaging_002"
branch_labels = None
depends_on = ("tenancy_001",)

SEEDS = Path(__file__).resolve().parents[1] / "templates" / "mail"
INSTANT = sa.DateTime(timezone=True)
BEFORE, AFTER = "messaging_mails", "email_logs"
# Every constraint and index whose name holds the table's; names that PostgreSQL gave by itself (NOT NULL) included.
NAMED_AFTER = """
SELECT 'ALTER TABLE {table} RENAME CONSTRAINT "' || conname || '" TO "' || replace(conname, '{old}', '{new}') || '"'
FROM pg_constraint WHERE conrelid = '{table}'::regclass AND conname LIKE '%{old}%'
UNION ALL
SELECT 'ALTER INDEX "' || relname || '" RENAME TO "' || replace(relname, '{old}', '{new}') || '"'
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = '{table}'::regclass AND relname LIKE '%{old}%'
AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
"""


def rename(before: str, after: str) -> None:
    """Give the log of mails another name, with its constraints and indexes."""
    op.rename_table(before, after)
    connection = op.get_bind()
    for statement in connection.execute(sa.text(NAMED_AFTER.format(table=after, old=before, new=after))).scalars().all():
        connection.execute(sa.text(statement))


def upgrade() -> None:
    """Rename the log, make the templates' tables, and fill in the mails of this module."""
    rename(BEFORE, AFTER)
    op.add_column(AFTER, sa.Column("is_test", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_email_logs_created_at_id", AFTER, ["created_at", "id"])
    op.create_table(
        "email_templates",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("has_card", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("button_link", sa.Text, nullable=False),
        sa.Column("variables", ARRAY(sa.Text), nullable=False),
        sa.Column("required", ARRAY(sa.Text), nullable=False),
        sa.Column("samples", JSONB, nullable=False),
        sa.Column("standard_copy", JSONB, nullable=False),
        *compiled_columns(),
        sa.PrimaryKeyConstraint("code", "locale", name="pk_email_templates"),
        sa.ForeignKeyConstraint(["updated_by_user_id"], ["tenancy_users.id"], name="fk_email_templates_updated_by_user_id"),
        sa.CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
        sa.CheckConstraint("category IN ('service', 'reminder', 'marketing')", name="category"),
        sa.CheckConstraint("sender IN ('merchant', 'platform')", name="sender"),
    )
    op.create_table(
        "email_template_overrides",
        sa.Column("merchant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        *compiled_columns(),
        sa.PrimaryKeyConstraint("merchant_id", "code", "locale", name="pk_email_template_overrides"),
        sa.ForeignKeyConstraint(["merchant_id"], ["tenancy_merchants.id"], name="fk_email_template_overrides_merchant_id"),
        sa.ForeignKeyConstraint(
            ["code", "locale"],
            ["email_templates.code", "email_templates.locale"],
            name="fk_email_template_overrides_code_locale",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["updated_by_user_id"], ["tenancy_users.id"], name="fk_email_template_overrides_updated_by_user_id"),
    )
    connection = op.get_bind()
    grant_global_table(connection, "email_templates", app=("SELECT",), platform=("SELECT", "UPDATE"))
    protect_tenant_table(connection, "email_template_overrides")
    seed_templates(connection, SEEDS)


def compiled_columns() -> list[sa.Column[object]]:
    """Return the columns that the platform's and a merchant's version of a mail have in common."""
    return [
        sa.Column("copy", JSONB, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("updated_by_user_id", UUID(as_uuid=True)),
    ]


def downgrade() -> None:
    """Drop the templates and give the log its first name back."""
    op.drop_table("email_template_overrides")
    op.drop_table("email_templates")
    op.drop_index("ix_email_logs_created_at_id", AFTER)
    op.drop_column(AFTER, "is_test")
    rename(AFTER, BEFORE)
