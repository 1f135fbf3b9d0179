"""History cannot be rewritten (reliability.md, promise 2, case 37): not by the application, and not by the tables' owner."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.core.ids import new_id
from app.core.testing.databases import DatabaseUrls
from app.modules.loyalty.tests.migrations.rows import AT, Merchant, add_card, add_merchant, add_transaction, insert

REWRITES = ("UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}", "TRUNCATE {table} CASCADE")
COLUMNS = {"loyalty_transactions": "points_delta", "core_audit_log": "action"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def merchant(superuser: asyncpg.Connection) -> Merchant:
    """A merchant with a row in the ledger and one in the audit log."""
    made = await add_merchant(superuser)
    await add_transaction(superuser, made, await add_card(superuser, made))
    entry = {"action": "loyalty.points.adjust", "target_type": "card", "actor_kind": "user", "request_id": "1", "details": {}}
    await insert(superuser, "core_audit_log", id=new_id(), merchant_id=made.id, at=AT, **entry)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["app", "platform"])
async def role_conn(request: pytest.FixtureRequest, database_urls: DatabaseUrls, merchant: Merchant) -> AsyncIterator[asyncpg.Connection]:
    """A connection as one of the roles that serve people, in the merchant's context."""
    conn = await asyncpg.connect(getattr(database_urls, request.param))
    await conn.execute(f"SET app.merchant_id = '{merchant.id}'")
    yield conn
    await conn.close()


@pytest.mark.parametrize("statement", REWRITES)
async def test_no_role_that_serves_people_rewrites_the_ledger(role_conn: asyncpg.Connection, statement: str) -> None:
    assert await role_conn.fetchval("SELECT count(*) FROM loyalty_transactions") >= 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await role_conn.execute(statement.format(table="loyalty_transactions", column="points_delta"))


@pytest.mark.parametrize("statement", REWRITES)
async def test_the_application_does_not_rewrite_the_audit_log(database_urls: DatabaseUrls, merchant: Merchant, statement: str) -> None:
    conn = await asyncpg.connect(database_urls.app)
    try:
        await conn.execute(f"SET app.merchant_id = '{merchant.id}'")
        assert await conn.fetchval("SELECT count(*) FROM core_audit_log") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(statement.format(table="core_audit_log", column="action"))
    finally:
        await conn.close()


@pytest.mark.parametrize("statement", ["DELETE FROM core_audit_log", "TRUNCATE core_audit_log"])
async def test_the_platform_scrubs_the_audit_log_but_removes_nothing(
    database_urls: DatabaseUrls, merchant: Merchant, statement: str
) -> None:
    conn = await asyncpg.connect(database_urls.platform)
    try:
        scrub = "UPDATE core_audit_log SET address = NULL WHERE merchant_id = $1"
        assert await conn.execute(scrub, merchant.id) == "UPDATE 1"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(statement)
    finally:
        await conn.close()


@pytest.mark.parametrize("statement", REWRITES)
@pytest.mark.parametrize("who", ["owner", "superuser"])
async def test_the_owner_of_the_ledger_is_stopped_by_its_trigger(
    owner_conn: asyncpg.Connection, superuser: asyncpg.Connection, merchant: Merchant, who: str, statement: str
) -> None:
    conn = owner_conn if who == "owner" else superuser
    before = await conn.fetch("SELECT * FROM loyalty_transactions WHERE merchant_id = $1", merchant.id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="loyalty_transactions is append-only"):
        await conn.execute(statement.format(table="loyalty_transactions", column="points_delta"))
    assert await conn.fetch("SELECT * FROM loyalty_transactions WHERE merchant_id = $1", merchant.id) == before


async def test_a_card_with_a_history_cannot_be_deleted(superuser: asyncpg.Connection, merchant: Merchant) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="a live row of loyalty_cards cannot be deleted"):
        await superuser.execute("DELETE FROM loyalty_cards WHERE merchant_id = $1", merchant.id)
    await superuser.execute("UPDATE loyalty_cards SET deleted_at = now() WHERE merchant_id = $1", merchant.id)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await superuser.execute("DELETE FROM loyalty_cards WHERE merchant_id = $1", merchant.id)


async def test_every_operation_reversal_and_order_is_booked_once(superuser: asyncpg.Connection, merchant: Merchant) -> None:
    card_id = await superuser.fetchval("SELECT id FROM loyalty_cards WHERE merchant_id = $1", merchant.id)
    earn: dict[str, Any] = {"type": "points_earned", "order_reference": "A-1", "store_id": merchant.stores[0]}
    first = await add_transaction(superuser, merchant, card_id, op_key="k1", **earn)
    await add_transaction(superuser, merchant, card_id, op_key="k2", type="points_voided", reverses_id=first)
    await add_transaction(superuser, merchant, card_id, op_key="k3", **{**earn, "store_id": merchant.stores[1]})
    again: dict[str, dict[str, Any]] = {
        "uq_loyalty_transactions_op_key": {"op_key": "k1"},
        "uq_loyalty_transactions_reverses_id": {"type": "points_voided", "reverses_id": first},
        "uq_loyalty_transactions_order_reference": earn,
    }
    for index, row in again.items():
        with pytest.raises(asyncpg.UniqueViolationError) as refused:
            await add_transaction(superuser, merchant, card_id, **row)
        assert refused.value.constraint_name == index
    other = await add_merchant(superuser)
    await add_transaction(superuser, other, await add_card(superuser, other), op_key="k1", order_reference="A-1")
