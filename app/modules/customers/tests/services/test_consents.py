"""Consents are statements that are added: the latest counts, and none can be changed."""

import datetime as dt

import asyncpg
import pytest

from app.core.db.engine import Database
from app.modules.customers import public as customers
from app.modules.customers.public import ConsentPurpose, ConsentSource
from app.modules.customers.tests.factories import make_customer
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx

BOTH = frozenset({ConsentPurpose.TERMS, ConsentPurpose.MARKETING})
TERMS = frozenset({ConsentPurpose.TERMS})


async def test_the_latest_statement_counts_and_the_history_stays(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant, accepts_marketing=True)
    start = customer.created_at
    async with merchant_ctx(database, merchant, now=start) as ctx:
        assert await customers.current_consents(ctx, customer.id) == BOTH
    async with merchant_ctx(database, merchant, now=start + dt.timedelta(days=1)) as ctx:
        added = await customers.record_consents(
            ctx, customer.id, marketing=False, text_version="1", source=ConsentSource.UNSUBSCRIBE, locale="de"
        )
        assert [(record.purpose, str(record.action), record.at) for record in added] == [(ConsentPurpose.MARKETING, "withdrawn", ctx.now)]
        assert await customers.current_consents(ctx, customer.id) == TERMS
    async with merchant_ctx(database, merchant, now=start + dt.timedelta(days=2)) as ctx:
        await customers.record_consents(ctx, customer.id, marketing=True, text_version="2", source=ConsentSource.PROFILE, locale="de")
        assert await customers.current_consents(ctx, customer.id) == BOTH
        history = await customers.list_consents(ctx, customer.id)
    marketing = [str(record.action) for record in history if record.purpose is ConsentPurpose.MARKETING]
    assert marketing == ["granted", "withdrawn", "granted"]


async def test_saying_the_same_again_adds_nothing(database: Database) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    async with merchant_ctx(database, merchant) as ctx:
        same = await customers.record_consents(
            ctx, customer.id, terms=True, marketing=False, text_version="1", source=ConsentSource.PROFILE, locale="fr"
        )
        new_text = await customers.record_consents(
            ctx, customer.id, terms=True, text_version="2", source=ConsentSource.PROFILE, locale="fr"
        )
    assert (same, len(new_text)) == ([], 1)


async def test_statements_cannot_be_changed_or_removed(
    database: Database, superuser: asyncpg.Connection, owner_conn: asyncpg.Connection
) -> None:
    merchant = await make_merchant(database)
    customer = await make_customer(database, merchant)
    for statement in (
        "UPDATE customer_consents SET text_version = '9' WHERE customer_id = $1",
        "DELETE FROM customer_consents WHERE customer_id = $1",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await owner_conn.execute(statement, customer.id)
        async with merchant_ctx(database, merchant) as ctx:
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError)):
                await ctx.conn.fetch(statement, customer.id)
            await ctx.conn.execute("ROLLBACK")
            await ctx.conn.execute("BEGIN")
    rows = await superuser.fetch("SELECT text_version, locale, source FROM customer_consents WHERE customer_id = $1", customer.id)
    assert [tuple(row) for row in rows] == [("1", "fr", "storefront")]
