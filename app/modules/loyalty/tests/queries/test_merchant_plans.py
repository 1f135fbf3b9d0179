"""The merchant's pages read ranges of indexes, also under row-level security: never the whole history."""

import uuid
from typing import Any

import pytest

from app.core import clock
from app.core.db.engine import Database
from app.modules.loyalty.queries import merges, overview, transactions
from app.modules.loyalty.tests.factories import make_shop
from app.modules.tenancy.tests.factories import merchant_ctx

HISTORY_INDEX = "ix_loyalty_transactions_merchant_id_created_at"
CARD_INDEX = "ix_loyalty_transactions_merchant_id_card_id_created_at_id"
NOW = clock.now()


@pytest.mark.parametrize(
    ("statement", "arguments", "index", "condition"),
    [
        (overview.BOOKED_BY_DAY, (NOW, NOW, None, "UTC"), HISTORY_INDEX, "created_at >= "),
        (overview.ENROLLED_BY_DAY, (NOW, NOW, None, "UTC"), "ix_loyalty_cards_merchant_id_created_at_id", "created_at >= "),
        (merges.NEXT_HOLDERS, (uuid.uuid4(), 25), "ix_loyalty_cards_merchant_id_customer_id", "customer_id > "),
        (transactions.MERGED_INTO, (uuid.uuid4(),), "ix_loyalty_cards_merchant_id_merged_into_id", "merged_into_id = "),
        (transactions.HISTORY, (uuid.uuid4(), None, None, 26, [uuid.uuid4()]), CARD_INDEX, "card_id = c.card_id"),
    ],
)
async def test_a_page_is_a_range_of_an_index(
    shared: Database, statement: str, arguments: tuple[Any, ...], index: str, condition: str
) -> None:
    shop = await make_shop(shared)
    async with merchant_ctx(shared, shop.merchant) as ctx:
        await ctx.conn.execute("SET LOCAL enable_seqscan = off")  # the tables of a test are small
        await ctx.conn.execute("SET LOCAL enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in await ctx.conn.fetch(f"EXPLAIN {statement}", shop.merchant.id, *arguments))
    assert index in plan
    assert any(condition in line for line in plan.splitlines() if "Index Cond" in line), plan
    assert "Seq Scan on loyalty_transactions" not in plan
