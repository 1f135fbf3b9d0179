"""`loyalty_use_pairing_code`: a device that nobody signed in on becomes a store's terminal, once and in time."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.core.ids import hash_token, new_id, new_token
from app.core.testing.databases import DatabaseUrls
from app.modules.loyalty.tests.migrations.rows import AT, Merchant, add_merchant, insert

USE = "SELECT * FROM loyalty_use_pairing_code($1, $2)"
CURRENT = "SELECT current_setting('app.merchant_id', true)"
LATER = AT + dt.timedelta(minutes=3)


@pytest_asyncio.fixture(loop_scope="session")
async def merchant(superuser: asyncpg.Connection) -> Merchant:
    return await add_merchant(superuser)


@pytest_asyncio.fixture(loop_scope="session")
async def app(database_urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the application's role that knows no merchant."""
    conn = await asyncpg.connect(database_urls.app)
    yield conn
    await conn.close()


async def add_code(superuser: asyncpg.Connection, merchant: Merchant, **code: Any) -> bytes:
    """Insert a code for the merchant's second store, valid for ten minutes; return its hash."""
    code_hash = hash_token(new_token())
    values = {"store_id": merchant.stores[1], "name": "Theke", "expires_at": AT + dt.timedelta(minutes=10), "created_at": AT} | code
    await insert(superuser, "loyalty_pairing_codes", merchant_id=merchant.id, id=new_id(), code_hash=code_hash, **values)
    return code_hash


async def state(superuser: asyncpg.Connection, code_hash: bytes) -> tuple[dt.datetime | None, int]:
    row = await superuser.fetchrow("SELECT used_at, attempts FROM loyalty_pairing_codes WHERE code_hash = $1", code_hash)
    assert row is not None
    return row["used_at"], row["attempts"]


async def test_a_right_code_opens_its_merchant_for_the_transaction(
    superuser: asyncpg.Connection, app: asyncpg.Connection, merchant: Merchant
) -> None:
    code_hash = await add_code(superuser, merchant)
    code_id = await superuser.fetchval("SELECT id FROM loyalty_pairing_codes WHERE code_hash = $1", code_hash)
    assert await app.fetch("SELECT * FROM loyalty_pairing_codes") == []
    async with app.transaction():
        rows = await app.fetch(USE, code_hash, LATER)
        assert [dict(row) for row in rows] == [
            {"merchant_id": merchant.id, "store_id": merchant.stores[1], "name": "Theke", "code_id": code_id}
        ]
        assert await app.fetchval(CURRENT) == str(merchant.id)
        terminal = {"store_id": rows[0]["store_id"], "name": rows[0]["name"], "paired_at": LATER, "created_at": LATER}
        await insert(app, "loyalty_terminals", merchant_id=merchant.id, id=new_id(), **terminal)
    assert not await app.fetchval(CURRENT)
    assert await state(superuser, code_hash) == (LATER, 1)


@pytest.mark.parametrize("code", [{"used_at": AT}, {"expires_at": LATER}])
async def test_a_used_or_late_code_opens_nothing_and_is_counted(
    superuser: asyncpg.Connection, app: asyncpg.Connection, merchant: Merchant, code: dict[str, Any]
) -> None:
    code_hash = await add_code(superuser, merchant, **code)
    async with app.transaction():
        assert await app.fetch(USE, code_hash, LATER) == []
        assert not await app.fetchval(CURRENT)
    assert await state(superuser, code_hash) == (code.get("used_at"), 1)


async def test_an_unknown_code_opens_nothing(app: asyncpg.Connection) -> None:
    assert await app.fetch(USE, hash_token(new_token()), LATER) == []


async def test_a_pairing_that_fails_gives_the_code_back(superuser: asyncpg.Connection, app: asyncpg.Connection, merchant: Merchant) -> None:
    code_hash = await add_code(superuser, merchant)
    transaction = app.transaction()
    await transaction.start()
    assert len(await app.fetch(USE, code_hash, LATER)) == 1
    await transaction.rollback()
    assert await state(superuser, code_hash) == (None, 0)


@pytest.mark.concurrency
async def test_of_ten_devices_with_one_code_one_is_paired(
    superuser: asyncpg.Connection, database_urls: DatabaseUrls, merchant: Merchant
) -> None:
    code_hash = await add_code(superuser, merchant)
    devices = [await asyncpg.connect(database_urls.app) for _ in range(10)]
    answers = await asyncio.gather(*(device.fetch(USE, code_hash, LATER) for device in devices))
    for device in devices:
        await device.close()
    assert sorted(len(rows) for rows in answers) == [0] * 9 + [1]
    assert await state(superuser, code_hash) == (LATER, 10)
