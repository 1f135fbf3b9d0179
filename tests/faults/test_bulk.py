"""A bulk under a worker's death (reliability.md, case 52): each card once, and a result for each line of the list."""

from collections import Counter

import asyncpg
import pytest

from app.core import clock
from app.core.bulk import CHUNK
from app.core.testing.processes import Stack
from app.modules.loyalty.domain.bulk import Selection
from app.modules.loyalty.services import bulk_service
from app.modules.loyalty.services.verification_service import verify_ledger
from app.modules.loyalty.tests.factories import make_shop
from app.modules.loyalty.tests.sweeps import make_cards
from app.modules.tenancy.tests.factories import merchant_ctx
from tests.faults.watching import IS_STUCK, LET_TIME_PASS, wait_until, watched

pytestmark = [pytest.mark.faults, pytest.mark.slow]
POINTS, CARDS = 50, 993

# Who claims the key of a row in the second chunk is waited for: there the worker stands when it is killed.
CLAIM_KEY = """
INSERT INTO loyalty_transactions (merchant_id, id, card_id, type, stamps_delta, points_delta, owed_delta, stamps_after, points_after,
  owed_after, op_key, created_at)
SELECT merchant_id, gen_random_uuid(), id, 'points_adjusted', 0, 0, 0, 0, 0, 0, 'bulk:' || $2::text || ':' || $3::text, now()
FROM loyalty_cards WHERE merchant_id = $1 LIMIT 1
"""
GIVEN = """
SELECT count(*) AS rows, count(DISTINCT card_id) AS cards FROM loyalty_transactions WHERE merchant_id = $1 AND type = 'bonus_granted'
"""
TOLD = """
SELECT count(*) AS messages, count(DISTINCT payload->>'card_id') AS cards FROM core_outbox
WHERE merchant_id = $1 AND task = 'loyalty.announce_bonus'
"""
CARD_IDS = "SELECT id FROM loyalty_cards WHERE merchant_id = $1 ORDER BY id"
IS_DONE = "SELECT state = 'done' FROM core_bulk_jobs WHERE id = $1"


async def test_a_worker_killed_half_way_through_a_thousand_cards(stack: Stack) -> None:
    """One foreign, one in the trash, five twice; killed in the second half; two workers go on."""
    async with watched(stack) as (database, conn):
        shop, other = await make_shop(database), await make_shop(database)
        await make_cards(conn, other, 1, at=clock.now())
        await make_cards(conn, shop, CARDS + 1, at=clock.now())
        [foreign] = [row["id"] for row in await conn.fetch(CARD_IDS, other.merchant.id)]
        *good, trashed = [row["id"] for row in await conn.fetch(CARD_IDS, shop.merchant.id)]
        await conn.execute("UPDATE loyalty_cards SET deleted_at = now() WHERE id = $1", trashed)
        asked = [*good[:300], foreign, trashed, *good[300:], *good[:5]]
        assert len(asked) == 1_000
        async with merchant_ctx(database, shop.merchant, role="manager") as ctx:
            job_id = await bulk_service.start_bonus(ctx, Selection(asked), points=POINTS, reason="Ten years")
        blocker = await asyncpg.connect(stack.urls.superuser)
        await blocker.execute("BEGIN")
        await blocker.execute(CLAIM_KEY, shop.merchant.id, str(job_id), str(asked[700]))
        stack.start("relay")
        stack.start("worker")
        await wait_until(stack, conn, IS_STUCK)
        stack.kill9("worker")
        await blocker.execute("ROLLBACK")
        await blocker.close()
        await wait_until(stack, conn, f"SELECT NOT ({IS_STUCK})")
        assert tuple(await conn.fetchrow(GIVEN, shop.merchant.id) or ()) == (CHUNK - 2, CHUNK - 2)
        await conn.execute(LET_TIME_PASS)
        stack.start("worker", "worker_1")
        stack.start("worker", "worker_2")
        await wait_until(stack, conn, IS_DONE, job_id)
        assert tuple(await conn.fetchrow(GIVEN, shop.merchant.id) or ()) == (CARDS, CARDS)
        assert tuple(await conn.fetchrow(TOLD, shop.merchant.id) or ()) == (CARDS, CARDS)
        items = await conn.fetch("SELECT position, outcome, reason FROM core_bulk_items WHERE job_id = $1", job_id)
        assert Counter(row["outcome"] for row in items) == {"ok": CARDS, "not_found": 1, "conflict": 6}
        refused = {row["position"] - 1: row["reason"] for row in items if row["outcome"] != "ok"}
        assert refused == {300: None, 301: "card_trashed", **dict.fromkeys(range(995, 1_000), "listed_twice")}
        found = await verify_ledger(database, shop.merchant.id)
        assert found.broken == []
