"""What must be true of the application's database role before anything is served."""

import asyncio

import structlog
from sqlalchemy import text

from app.core.config import ConfigurationError
from app.core.db.engine import Database

log = structlog.get_logger(__name__)

ROLE_CHECK = """
SELECT r.rolsuper, r.rolbypassrls,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%') AS owns_tables,
       current_setting('synchronous_commit') AS synchronous_commit
FROM pg_roles r WHERE r.rolname = current_user
"""


async def role_fault(database: Database) -> str | None:
    """Return what is wrong with the application's database role, with the fix, or None (reliability.md, Settings)."""
    async with database.app.connect() as connection:
        row = (await connection.execute(text(ROLE_CHECK))).one()
    if row.rolsuper or row.rolbypassrls:
        return "ORION_DATABASE_URL connects as a superuser or a role that bypasses row-level security. Connect as orion_app."
    if row.owns_tables:
        return "The role of ORION_DATABASE_URL owns tables. Connect as orion_app; orion_owner is for migrations only."
    if row.synchronous_commit != "on":
        return "synchronous_commit is off for ORION_DATABASE_URL: acknowledged points could be lost. Set it to on."
    return None


async def check_connection(database: Database) -> None:
    """Refuse to start with a role that could see or lose too much; a database that is down only delays readiness."""
    try:
        fault = await asyncio.wait_for(role_fault(database), 5)
    except Exception as error:  # the process starts all the same, and /readyz says no until the database is back
        log.warning("database_unreachable_at_start", error=type(error).__name__)
        return
    if fault:
        raise ConfigurationError(fault)
