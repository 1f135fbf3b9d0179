"""Alembic's environment: the caller (app/core/db/migrate.py) has opened the connection and holds the advisory lock."""

from alembic import context
from sqlalchemy.engine import Connection

from app.core.db.base import Base


def run(connection: Connection) -> None:
    """Run the asked-for versions, each in a transaction of its own."""
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
