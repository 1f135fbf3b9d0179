"""The chain goes up and down again with rows in it, and the models agree with it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.core.db import migrate
from app.core.db.base import Base
from app.core.ids import new_id
from app.core.testing.databases import DatabaseUrls, create_database, drop_database
from app.modules.messaging.models import mail  # noqa: F401 - fills the metadata


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
            """INSERT INTO messaging_mails (merchant_id, id, outbox_id, template, locale, state, attempts, created_at)
               VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', 'suppressed', 1, now())"""
        )
        migrate.downgrade(empty_database.owner, "messaging@base")
        assert await conn.fetchval("SELECT to_regclass('messaging_mails')") is None
        assert await conn.fetchval("SELECT to_regclass('customers')") == "customers"
        migrate.upgrade(empty_database.owner, "messaging@head")
        assert await conn.fetchval("SELECT count(*) FROM messaging_mails") == 0
    finally:
        await conn.close()


async def test_models_and_migrations_agree(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "SELECT column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_name = 'messaging_mails'"
    )
    table = Base.metadata.tables["messaging_mails"]
    assert {row["column_name"]: row["nullable"] for row in rows} == {column.name: bool(column.nullable) for column in table.columns}
    constraints = await superuser.fetch("SELECT conname FROM pg_constraint WHERE conrelid = 'messaging_mails'::regclass AND contype <> 'n'")
    indexes = await superuser.fetch("SELECT indexname FROM pg_indexes WHERE tablename = 'messaging_mails'")
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
        assert await conn.fetchval("SELECT count(*) FROM messaging_mails WHERE user_id IS NULL") == 1
    finally:
        await conn.close()


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
            f"""INSERT INTO messaging_mails ({columns}, id, outbox_id, template, locale, state, attempts, created_at)
                VALUES ({values}, gen_random_uuid(), gen_random_uuid(), 'customer_sign_in', 'lb', 'suppressed', 1, now())"""
        )
