"""The trash, for migrations: what every row that can lie there remembers, and the lock of those that do not."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID


def add_columns(table: str) -> None:
    """Add who, why and which act to `table`, which has `deleted_at`; no row is rewritten, a repetition changes nothing."""
    columns = (
        sa.Column("deleted_by_user_id", UUID(as_uuid=True)),
        sa.Column("deletion_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("deletion_id", UUID(as_uuid=True)),
    )
    for column in columns:
        op.add_column(table, column, if_not_exists=True)


def drop_columns(table: str) -> None:
    """Drop what `add_columns` added: rows stay in the trash, who put them there is forgotten."""
    for name in ("deletion_id", "deletion_reason", "deleted_by_user_id"):
        op.drop_column(table, name)


def lock_live_rows(table: str) -> None:
    """Refuse to DELETE a live row of `table`, whoever asks: only what lies in the trash can be deleted for good."""
    op.execute(
        f"""CREATE FUNCTION {table}_is_live() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'a live row of {table} cannot be deleted' USING ERRCODE = 'integrity_constraint_violation'; END $$"""
    )
    op.execute(
        f"""CREATE TRIGGER only_from_trash BEFORE DELETE ON {table} FOR EACH ROW WHEN (OLD.deleted_at IS NULL)
        EXECUTE FUNCTION {table}_is_live()"""
    )


def unlock_live_rows(table: str) -> None:
    """Undo `lock_live_rows`."""
    op.execute(f"DROP TRIGGER only_from_trash ON {table}")
    op.execute(f"DROP FUNCTION {table}_is_live()")
