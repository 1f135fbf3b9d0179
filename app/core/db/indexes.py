"""Indexes for migrations, built and dropped beside the traffic: neither step stops reads or writes."""

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

UNFINISHED = sa.text("SELECT true FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")


@contextlib.contextmanager
def beside_traffic() -> Iterator[None]:
    """Leave the migration's transaction for a while, for `build` and `drop`; what was done before in it is committed.

    As nobody queues up behind them, they may wait longer for old transactions than the migrator's lock timeout.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5min'")
        yield
        op.execute("RESET lock_timeout")


def build(name: str, definition: str, *, is_unique: bool = False) -> None:
    """Build the index `name` as `definition` ("table (columns) WHERE …") says; one whose build was interrupted is built anew."""
    _drop_unfinished(name)
    try:
        op.execute(f"CREATE {'UNIQUE ' if is_unique else ''}INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")
    except sa.exc.DBAPIError:
        _drop_unfinished(name)
        raise


def drop(name: str) -> None:
    """Drop the index `name` if it is there."""
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _drop_unfinished(name: str) -> None:
    """Drop the index `name` if its build was interrupted: it would refuse rows, and yet prove nothing about those that are there."""
    if op.get_bind().execute(UNFINISHED, {"name": name}).scalar():
        drop(name)
