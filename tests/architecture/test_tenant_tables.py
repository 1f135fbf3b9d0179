"""No tenant sees or changes another's rows, in any table, whatever the application forgets (reliability.md, promise 7; G9).

What the catalog says is checked for every table, a new one included: forced row-level security with the three policies, the
merchant first in the key, foreign keys that cannot leave the merchant. Then rows of two merchants are put into every table of
a copy of the database, and the application's role tries to reach the other's.
"""

import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio

from app.core.ids import new_id
from app.core.testing.databases import DatabaseUrls, create_database, drop_database

# Every table that belongs to no merchant, and why. A table that is in neither list fails the build.
GLOBAL_TABLES = {
    "alembic_version": "the database's versions",
    "core_heartbeats": "processes serve all merchants",
    "email_templates": "the platform's mails, for every merchant without a version of its own",
    "core_schedule_runs": "what beat started for the platform and for each merchant, read by beat alone",
    "core_task_stats": "what scheduled tasks did, for the platform's Jobs page alone",
    "core_store_refusals": "answers 429 per store and minute, written and read by the platform's role alone",
    "core_alert_notices": "what the operator was told, by the platform alone",
    "tenancy_users": "a person may work for several merchants; a policy of its own shows a merchant its own people",
    "tenancy_password_links": "belong to users",
    "tenancy_login_counters": "tries to sign in, before it is known who tries",
}
# Tables with a merchant_id that is not first in their key, and why.
OTHER_KEYS = {
    "core_outbox": "some messages are the platform's; the relay claims rows by id across merchants",
    "core_audit_log": "some entries are the platform's",
    "core_job_runs": "some runs are the platform's; the one holder of a run knows it by id",
    "core_alerts": "most alerts are the platform's",
    "email_logs": "a mail is found by its outbox message; those about a user's password are the platform's",
    "email_suppressions": "the platform has a list of its own",
    "email_soft_bounces": "counted once per mail; some mails are the platform's",
    "tenancy_sessions": "a session is found by its token, before its merchant is known; admins' sessions have none",
}
# The merchants themselves are protected by their own id.
MERCHANT_COLUMN = {"tenancy_merchants": "id"}

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
TENANT_TABLES = """
SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attname = 'merchant_id' AND NOT attisdropped ORDER BY relname
"""
POLICIES = "SELECT policyname, roles::text, cmd, permissive, qual, with_check FROM pg_policies WHERE tablename = $1"
FIRST_IN_KEY = """
SELECT c.conrelid::regclass::text FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'p' AND a.attname = 'merchant_id'
"""
LOOSE = """
SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace
"""
FOREIGN_KEYS = """
SELECT c.conrelid::regclass::text AS source, c.confrelid::regclass::text AS target, c.conname,
       (SELECT attname FROM pg_attribute WHERE attrelid = c.conrelid AND attnum = c.conkey[1]) AS first_source,
       (SELECT attname FROM pg_attribute WHERE attrelid = c.confrelid AND attnum = c.confkey[1]) AS first_target
FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
"""
DEFINERS = """
SELECT proname, proowner::regrole::text AS owner, coalesce(proconfig::text, '') AS config, proacl::text AS grants,
       EXISTS (SELECT 1 FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0) AS is_public
FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
"""
SAMPLES = {
    "uuid": "gen_random_uuid()", "text": "gen_random_uuid()::text", "timestamp with time zone": "now()", "date": "current_date",
    "boolean": "false", "jsonb": "'{}'::jsonb", "bytea": "decode(replace(gen_random_uuid()::text, '-', ''), 'hex')",
    "integer": "1", "bigint": "1", "smallint": "1", "numeric": "1",
}  # fmt: skip


async def names(conn: asyncpg.Connection, statement: str) -> list[str]:
    return [row[0] for row in await conn.fetch(statement)]


async def test_every_table_is_a_tenants_or_named_as_global(superuser: asyncpg.Connection) -> None:
    tenants = set(await names(superuser, TENANT_TABLES)) | set(MERCHANT_COLUMN)
    assert set(await names(superuser, TABLES)) - tenants == set(GLOBAL_TABLES)


async def test_row_level_security_is_on_and_forced(superuser: asyncpg.Connection) -> None:
    protected = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity ORDER BY relname"
    missing = (set(await names(superuser, TENANT_TABLES)) | set(MERCHANT_COLUMN)) - set(await names(superuser, protected))
    assert not missing


async def test_every_tenant_table_has_the_three_policies_and_no_other(superuser: asyncpg.Connection) -> None:
    wanted = await superuser.fetchval("SELECT qual FROM pg_policies WHERE tablename = 'core_outbox' AND policyname = 'tenant'")
    assert "current_setting('app.merchant_id'" in wanted
    assert "NULLIF" in wanted
    for table in [*await names(superuser, TENANT_TABLES), *MERCHANT_COLUMN]:
        rows = await superuser.fetch(POLICIES, table)
        tenant = wanted.replace("merchant_id =", f"{MERCHANT_COLUMN.get(table, 'merchant_id')} =")
        assert {row["policyname"]: tuple(row)[1:] for row in rows} == {
            name: (role, "ALL", "PERMISSIVE", condition, condition)
            for name, role, condition in (
                ("tenant", "{orion_app}", tenant),
                ("platform", "{orion_platform}", "true"),
                ("owner", "{orion_owner}", "true"),
            )
        }, table


async def test_the_merchant_comes_first_in_the_key(superuser: asyncpg.Connection) -> None:
    assert set(await names(superuser, TENANT_TABLES)) - set(await names(superuser, FIRST_IN_KEY)) == set(OTHER_KEYS)


async def test_no_foreign_key_can_leave_the_merchant(superuser: asyncpg.Connection) -> None:
    tenants = set(await names(superuser, TENANT_TABLES))
    leaks = [
        f"{row['source']}.{row['conname']}"
        for row in await superuser.fetch(FOREIGN_KEYS)
        if row["target"] in tenants and (row["first_source"], row["first_target"]) != ("merchant_id", "merchant_id")
    ]
    assert not leaks


async def test_the_applications_roles_own_nothing_and_bypass_nothing(superuser: asyncpg.Connection) -> None:
    owners = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert await names(superuser, owners) == ["orion_owner"]
    strong = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'orion%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)"
    assert await names(superuser, strong) == []


async def test_doors_through_the_policies_are_closed_to_others_and_keep_to_their_own_names(superuser: asyncpg.Connection) -> None:
    doors = await superuser.fetch(DEFINERS)
    assert {"loyalty_use_pairing_code", "tenancy_open_session"} <= {door["proname"] for door in doors}
    for door in doors:
        assert door["owner"] == "orion_owner", door["proname"]
        assert "search_path=pg_catalog, public" in door["config"], door["proname"]
        assert not door["is_public"], door["proname"]


@pytest.fixture(scope="module")
def copy_urls(postgres_socket_dir: str, worker_id: str) -> Iterator[DatabaseUrls]:
    """A copy of the migrated database without checks and foreign keys, so that any table takes any row."""
    name = f"tenants_{worker_id}"
    yield create_database(postgres_socket_dir, name)
    drop_database(postgres_socket_dir, name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def copy(copy_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection that no policy binds, to the copy."""
    conn = await asyncpg.connect(copy_urls.superuser)
    for table, name in await conn.fetch(LOOSE):
        await conn.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}"')
    yield conn
    await conn.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(copy_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the copy as the application's role."""
    conn = await asyncpg.connect(copy_urls.app)
    yield conn
    await conn.close()


async def sample(copy: asyncpg.Connection, table: str, merchant_id: uuid.UUID) -> str:
    """Return an INSERT of a row of `merchant_id` with something in every required column of `table`."""
    columns = await copy.fetch(
        """SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0
           AND NOT attisdropped AND attgenerated = '' AND (attnotnull OR attname = 'merchant_id') ORDER BY attnum""",
        table,
    )
    key = MERCHANT_COLUMN.get(table, "merchant_id")
    values = [f"'{merchant_id}'" if row["attname"] == key else SAMPLES[row["type"]] for row in columns]
    return f"INSERT INTO {table} ({', '.join(row['attname'] for row in columns)}) VALUES ({', '.join(values)})"


async def refused_or_none(app: asyncpg.Connection, statement: str) -> bool:
    """Whether `statement`, in a transaction that is rolled back, was refused or touched no row."""
    transaction = app.transaction()
    await transaction.start()
    try:
        return (await app.execute(statement)).endswith(" 0")
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await transaction.rollback()


async def seen(app: asyncpg.Connection, table: str, key: str) -> set[uuid.UUID] | None:
    """Return the merchants whose rows of `table` the role sees now, None when it may not look."""
    try:
        return {row[0] for row in await app.fetch(f"SELECT {key} FROM {table}")}
    except asyncpg.InsufficientPrivilegeError:
        return None


async def test_rows_of_two_merchants_never_meet(copy: asyncpg.Connection, app: asyncpg.Connection) -> None:
    mine, theirs = new_id(), new_id()
    readable, writable = set(), set()
    for table in [*await names(copy, TENANT_TABLES), *MERCHANT_COLUMN]:
        key = MERCHANT_COLUMN.get(table, "merchant_id")
        for merchant_id in (mine, theirs):
            await copy.execute(await sample(copy, table, merchant_id))
        digest = f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t WHERE {key} = '{theirs}'"
        before = await copy.fetchval(digest)
        foreign_row = await sample(copy, table, theirs if key == "merchant_id" else new_id())

        for nobody in ("RESET app.merchant_id", "SET app.merchant_id = ''", f"SET app.merchant_id = '{new_id()}'"):
            await app.execute(nobody)
            assert not await seen(app, table, key), f"{table} after {nobody}"
            assert await refused_or_none(app, foreign_row), f"{table}: INSERT after {nobody}"
            assert await refused_or_none(app, f"DELETE FROM {table}"), f"{table}: DELETE after {nobody}"

        await app.execute(f"SET app.merchant_id = '{mine}'")
        visible = await seen(app, table, key)
        assert visible in (None, {mine}), table
        for attempt in (
            foreign_row,
            f"UPDATE {table} SET {key} = {key} WHERE {key} = '{theirs}'",
            f"UPDATE {table} SET {key} = '{theirs}' WHERE {key} = '{mine}'",
            f"DELETE FROM {table} WHERE {key} = '{theirs}'",
            f"TRUNCATE {table}",
        ):
            assert await refused_or_none(app, attempt), attempt
        assert await copy.fetchval(digest) == before, table

        readable |= {table} if visible else set()
        newcomer = new_id()
        await app.execute(f"SET app.merchant_id = '{newcomer}'")
        writable |= {table} if not await refused_or_none(app, await sample(copy, table, newcomer)) else set()
    # The role does reach its own merchant's rows: the refusals above are not those of a role that may do nothing.
    assert {"loyalty_cards", "loyalty_transactions", "customers", "tenancy_merchants"} <= readable
    assert {"loyalty_cards", "loyalty_transactions", "customers", "core_outbox"} <= writable
