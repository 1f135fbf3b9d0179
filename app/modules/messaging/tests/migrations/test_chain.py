"""The chain goes up and down again with rows in it, and the models agree with it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.db import migrate
from app.core.db.base import Base
from app.core.db.engine import async_url
from app.core.i18n.locale import LOCALES
from app.core.ids import new_id
from app.core.testing.databases import DatabaseUrls, create_database, drop_database
from app.modules.messaging.migrations.messaging_003 import SEEDS
from app.modules.messaging.models.delivery import OptOut, SoftBounce, Suppression
from app.modules.messaging.models.mail import MailLog
from app.modules.messaging.public import seed_templates


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(postgres_socket_dir: str, worker_id: str) -> AsyncIterator[DatabaseUrls]:
    """A database without any table."""
    name = f"messaging_{worker_id}"
    yield create_database(postgres_socket_dir, name, template=None)
    drop_database(postgres_socket_dir, name)


async def test_up_and_down(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "messaging@head")
    conn = await asyncpg.connect(empty_database.superuser)
    try:
        await conn.execute(
            """INSERT INTO email_logs (merchant_id, id, outbox_id, template, locale, state, attempts, created_at)
               VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', 'suppressed', 1, now())"""
        )
        migrate.downgrade(empty_database.owner, "messaging@base")
        left = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'email%' OR tablename LIKE 'messaging%'"
        assert await conn.fetch(left) == []
        assert await conn.fetchval("SELECT to_regclass('customers')") == "customers"
        migrate.upgrade(empty_database.owner, "messaging@head")
        assert await conn.fetchval("SELECT count(*) FROM email_logs") == 0
    finally:
        await conn.close()


@pytest.mark.parametrize("name", [model.__tablename__ for model in (MailLog, Suppression, SoftBounce, OptOut)])
async def test_models_and_migrations_agree(superuser: asyncpg.Connection, name: str) -> None:
    rows = await superuser.fetch(
        "SELECT column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_name = $1", name
    )
    table = Base.metadata.tables[name]
    assert {row["column_name"]: row["nullable"] for row in rows} == {column.name: bool(column.nullable) for column in table.columns}
    constraints = await superuser.fetch("SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype <> 'n'", name)
    indexes = await superuser.fetch("SELECT indexname FROM pg_indexes WHERE tablename = $1", name)
    from_models = {str(item.name) for item in table.constraints} | {str(item.name) for item in table.indexes}
    assert from_models == {row[0] for row in [*constraints, *indexes]}


async def test_rows_survive_the_way_to_mails_without_a_merchant_and_back(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "messaging_001")
    conn = await asyncpg.connect(empty_database.superuser)
    try:
        insert = """INSERT INTO messaging_mails (merchant_id, id, outbox_id, template, locale, state, attempts, created_at)
                    VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', 'suppressed', 1, now())"""
        await conn.execute(insert, new_id())
        migrate.upgrade(empty_database.owner, "messaging_002")
        await conn.execute(insert, None)
        assert await conn.fetchval("SELECT count(*) FROM messaging_mails") == 2
        migrate.downgrade(empty_database.owner, "messaging_001")
        assert await conn.fetchval("SELECT count(merchant_id) FROM messaging_mails") == 1
        assert await conn.fetchval("SELECT count(*) FROM messaging_mails") == 1
        migrate.upgrade(empty_database.owner, "messaging@head")
        assert await conn.fetchval("SELECT count(*) FROM email_logs WHERE user_id IS NULL") == 1
    finally:
        await conn.close()


NAMED = """
SELECT conname AS name FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conname LIKE $1
UNION SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE $1 ORDER BY name
"""


async def test_the_log_is_renamed_with_everything_that_carries_its_name_and_back(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "messaging_002")
    conn = await asyncpg.connect(empty_database.superuser)
    try:
        insert = """INSERT INTO messaging_mails (merchant_id, id, outbox_id, template, locale, state, attempts, created_at)
                    VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', 'suppressed', 1, now())"""
        await conn.execute(insert, new_id())
        before = [row["name"] for row in await conn.fetch(NAMED, "%messaging_mails%")]
        migrate.upgrade(empty_database.owner, "messaging_003")
        assert await conn.fetch(NAMED, "%messaging_mails%") == []
        after = {row["name"] for row in await conn.fetch(NAMED, "%email_logs%")}
        added = {"ix_email_logs_created_at_id", "email_logs_is_test_not_null"}
        assert after - added == {name.replace("messaging_mails", "email_logs") for name in before}
        assert await conn.fetchval("SELECT count(*) FROM email_logs WHERE NOT is_test") == 1
        migrate.downgrade(empty_database.owner, "messaging_002")
        assert [row["name"] for row in await conn.fetch(NAMED, "%messaging_mails%")] == before
        assert await conn.fetchval("SELECT count(*) FROM messaging_mails") == 1
    finally:
        await conn.close()


async def test_what_became_of_mails_comes_and_goes_and_the_log_stays(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "messaging_003")
    conn = await asyncpg.connect(empty_database.superuser)
    log = """INSERT INTO email_logs (merchant_id, id, outbox_id, template, locale, state, attempts, created_at, sent_at, {more})
             VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', 'sent', 1, now(), now(), {values})"""
    try:
        merchant = new_id()
        await conn.execute(log.format(more="provider_message_id", values="'a'"), merchant)
        migrate.upgrade(empty_database.owner, "messaging_004")
        await conn.execute(log.format(more="delivery, delivery_at", values="'delivered', now()"), merchant)
        for owner in (merchant, None):
            values = (owner, b"hash")
            suppress = """INSERT INTO email_suppressions (id, merchant_id, fingerprint, reason, created_at)
                          VALUES (gen_random_uuid(), $1, $2, 'manual', now())"""
            bounce = "INSERT INTO email_soft_bounces (mail_id, merchant_id, fingerprint, at) VALUES (gen_random_uuid(), $1, $2, now())"
            await conn.execute(suppress, *values)
            await conn.execute(bounce, *values)
            with pytest.raises(asyncpg.UniqueViolationError):
                await conn.execute(suppress, *values)
        migrate.downgrade(empty_database.owner, "messaging_003")
        assert await conn.fetchval("SELECT count(*) FROM email_logs WHERE state = 'sent'") == 2
        assert await conn.fetchval("SELECT to_regclass('email_suppressions')") is None
        migrate.upgrade(empty_database.owner, "messaging_004")
        assert await conn.fetchval("SELECT count(*) FROM email_logs WHERE delivery IS NULL") == 2
        assert await conn.fetchval("SELECT count(*) FROM email_suppressions") == 0
    finally:
        await conn.close()


async def test_the_mails_of_this_module_are_seeded_once(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "messaging_003")
    conn = await asyncpg.connect(empty_database.superuser)
    engine = create_async_engine(async_url(empty_database.owner))
    try:
        codes = sorted(path.stem for path in SEEDS.glob("*.toml"))
        rows = await conn.fetch("SELECT code, locale FROM email_templates ORDER BY code, locale")
        assert [tuple(row) for row in rows] == [(code, locale) for code in codes for locale in sorted(LOCALES)]
        await conn.execute("UPDATE email_templates SET subject = 'Edited' WHERE code = 'customer_sign_in' AND locale = 'lb'")
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: seed_templates(sync, SEEDS))
        assert await conn.fetchval("SELECT count(*) FROM email_templates WHERE subject = 'Edited'") == 1
        assert await conn.fetchval("SELECT count(*) FROM email_templates") == 4 * len(codes)
    finally:
        await engine.dispose()
        await conn.close()


@pytest.mark.parametrize(("role", "may"), [("orion_app", {"SELECT"}), ("orion_platform", {"SELECT", "UPDATE"})])
async def test_only_the_platform_changes_its_templates(superuser: asyncpg.Connection, role: str, may: set[str]) -> None:
    verbs = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
    assert {verb for verb in verbs if await superuser.fetchval("SELECT has_table_privilege($1, 'email_templates', $2)", role, verb)} == may


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("merchant_id, customer_id, user_id", "gen_random_uuid(), gen_random_uuid(), gen_random_uuid()"),
        ("merchant_id, customer_id", "NULL, gen_random_uuid()"),
    ],
)
async def test_a_mail_goes_to_one_person_and_a_customer_has_a_merchant(superuser: asyncpg.Connection, columns: str, values: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute(
            f"""INSERT INTO email_logs ({columns}, id, outbox_id, template, locale, state, attempts, created_at)
                VALUES ({values}, gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', 'suppressed', 1, now())"""
        )
