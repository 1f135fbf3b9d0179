"""The chain customers_001 – 006: up from every step with rows in it, and down again."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.core.db import migrate
from app.core.db.base import Base
from app.core.testing.databases import DatabaseUrls, create_database, drop_database
from app.modules.customers.models.consent import Consent
from app.modules.customers.models.customer import Customer
from app.modules.customers.models.erasure import Erasure
from app.modules.customers.models.login_link import LoginLink
from app.modules.customers.models.returning_guard import ReturningGuard

TABLES = tuple(model.__tablename__ for model in (Customer, Consent, LoginLink, ReturningGuard, Erasure))


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(postgres_socket_dir: str, worker_id: str) -> AsyncIterator[DatabaseUrls]:
    """A database without any table."""
    name = f"customers_{worker_id}"
    yield create_database(postgres_socket_dir, name, template=None)
    drop_database(postgres_socket_dir, name)


@pytest.mark.parametrize("step", ["customers_001", "customers_002", "customers_003", "customers_004"])
async def test_upgrade_keeps_the_rows_and_downgrade_too(empty_database: DatabaseUrls, step: str) -> None:
    urls = empty_database
    migrate.upgrade(urls.owner, step)
    conn = await asyncpg.connect(urls.superuser)
    try:
        customer_id = await add_customer(conn, "anna@example.lu")
        if step != "customers_001":
            await add_consent(conn, customer_id)
        migrate.upgrade(urls.owner, "customers@head")
        assert await conn.fetchval("SELECT birth_date FROM customers WHERE id = $1", customer_id) is None
        await conn.execute("UPDATE customers SET birth_date = '1990-02-28' WHERE id = $1", customer_id)
        with pytest.raises(asyncpg.CheckViolationError):
            await conn.execute("UPDATE customers SET anonymized_at = now() WHERE id = $1", customer_id)
        migrate.downgrade(urls.owner, step)
        row = await conn.fetchrow("SELECT email, phone_reversed FROM customers")
        assert row is not None
        assert tuple(row) == ("anna@example.lu", "654321126253+")
        if step < "customers_003":
            with pytest.raises(asyncpg.UndefinedColumnError):
                await conn.fetch("SELECT birth_date FROM customers")
        assert (await conn.fetchval("SELECT to_regclass('erasure_log')") is None) == (step < "customers_004")
        if step != "customers_001":
            assert await conn.fetchval("SELECT count(*) FROM customer_consents") == 1
        migrate.downgrade(urls.owner, "customers@base")
        assert [table for table in TABLES if await conn.fetchval("SELECT to_regclass($1)", table)] == []
    finally:
        await conn.close()


async def test_consents_are_history_until_the_person_is_erased(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "customers@head")
    conn = await asyncpg.connect(empty_database.superuser)
    delete = "DELETE FROM customer_consents WHERE customer_id = $1"
    try:
        erased, live = await add_customer(conn, "anna@example.lu"), await add_customer(conn, "ben@example.lu")
        for customer_id in (erased, live):
            await add_consent(conn, customer_id)
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await conn.execute(delete, customer_id)
        await conn.execute(
            """UPDATE customers SET (first_name, last_name, first_name_search, last_name_search, email, email_normalized, phone,
                   phone_normalized, anonymized_at) = (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, now()) WHERE id = $1""",
            erased,
        )
        assert await conn.execute(delete, erased) == "DELETE 1"
        for statement in (delete, "UPDATE customer_consents SET text_version = '9' WHERE customer_id = $1"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await conn.execute(statement, live)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await conn.execute("TRUNCATE customer_consents")
        migrate.downgrade(empty_database.owner, "customers_003")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await conn.execute(delete, live)
    finally:
        await conn.close()


async def test_one_live_customer_per_address(empty_database: DatabaseUrls) -> None:
    migrate.upgrade(empty_database.owner, "customers_001")
    conn = await asyncpg.connect(empty_database.superuser)
    try:
        first = await add_customer(conn, "anna@example.lu")
        merchant_id = await conn.fetchval("SELECT merchant_id FROM customers WHERE id = $1", first)
        with pytest.raises(asyncpg.UniqueViolationError):
            await add_customer(conn, "anna@example.lu", merchant_id)
        await add_customer(conn, "ben@example.lu", merchant_id)
        await add_customer(conn, "anna@example.lu")
        assert await conn.fetchval("SELECT count(*) FROM customers") == 3
    finally:
        await conn.close()


async def test_models_and_migrations_agree(superuser: asyncpg.Connection) -> None:
    for name in TABLES:
        rows = await superuser.fetch(
            "SELECT column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_name = $1", name
        )
        table = Base.metadata.tables[name]
        assert {row["column_name"]: row["nullable"] for row in rows} == {column.name: bool(column.nullable) for column in table.columns}
        constraints = await superuser.fetch("SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype <> 'n'", name)
        indexes = await superuser.fetch("SELECT indexname FROM pg_indexes WHERE tablename = $1", name)
        in_database = {row[0] for row in [*constraints, *indexes]}
        from_models = {str(item.name) for item in table.constraints} | {str(item.name) for item in table.indexes}
        assert from_models == in_database


async def add_customer(conn: asyncpg.Connection, email: str, merchant_id: uuid.UUID | None = None) -> uuid.UUID:
    """Add a customer as customers_001 knows one."""
    customer_id: uuid.UUID = await conn.fetchval(
        """INSERT INTO customers (merchant_id, id, first_name, last_name, first_name_search, last_name_search, email, email_normalized,
                                  phone, phone_normalized, locale, created_at, updated_at)
           VALUES ($1, $2, 'Anna', 'Weber', 'anna', 'weber', $3, $3, '621123456', '+352621123456', 'fr', now(), now()) RETURNING id""",
        merchant_id or uuid.uuid4(),
        uuid.uuid4(),
        email,
    )
    return customer_id


async def add_consent(conn: asyncpg.Connection, customer_id: uuid.UUID) -> None:
    """Add a consent as customers_002 knows one."""
    await conn.execute(
        """INSERT INTO customer_consents (merchant_id, id, customer_id, purpose, action, source, text_version, locale, at)
           SELECT merchant_id, gen_random_uuid(), id, 'terms', 'granted', 'storefront', '1', 'fr', now() FROM customers WHERE id = $1""",
        customer_id,
    )
