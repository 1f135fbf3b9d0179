"""SQL for migrations: row-level security and grants, the same for every table.

Three roles: `orion_owner` runs migrations, `orion_app` serves requests and sees one merchant at a time, `orion_platform`
serves the admin's face, the relay and the workers' claims. Policies are forced, so that ownership alone opens nothing.
"""

from collections.abc import Sequence

from sqlalchemy.engine import Connection
from sqlalchemy.sql import text

CURRENT_MERCHANT = "nullif(current_setting('app.merchant_id', true), '')::uuid"
IS_CURRENT = f"merchant_id = {CURRENT_MERCHANT}"
ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")
APPEND_ONLY = ("SELECT", "INSERT")


def protect_tenant_table(connection: Connection, table: str, *, app: Sequence[str] = ALL, platform: Sequence[str] = ALL) -> None:
    """Enable and force row-level security on `table` and grant the verbs that each role needs.

    The app's role sees rows of the current merchant only; without one it sees none.
    """
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON {table} TO orion_app USING ({IS_CURRENT}) WITH CHECK ({IS_CURRENT})",
        f"CREATE POLICY platform ON {table} TO orion_platform USING (true) WITH CHECK (true)",
        f"CREATE POLICY owner ON {table} TO orion_owner USING (true) WITH CHECK (true)",
        f"GRANT {', '.join(app)} ON {table} TO orion_app",
        f"GRANT {', '.join(platform)} ON {table} TO orion_platform",
    ):
        connection.execute(text(statement))


def grant_global_table(connection: Connection, table: str, *, app: Sequence[str] = (), platform: Sequence[str] = ALL) -> None:
    """Grant verbs on a table that belongs to no merchant; the app's role gets none unless named."""
    if app:
        connection.execute(text(f"GRANT {', '.join(app)} ON {table} TO orion_app"))
    connection.execute(text(f"GRANT {', '.join(platform)} ON {table} TO orion_platform"))


def make_append_only(connection: Connection, table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on `table` for everybody, its owner included (reliability.md, promise 2)."""
    for statement in (
        f"""CREATE OR REPLACE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()",
        f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()",
    ):
        connection.execute(text(statement))
