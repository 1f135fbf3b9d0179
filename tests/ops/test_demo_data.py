"""The demo's data: written once, and a ledger that adds up."""

import asyncpg
import pytest

from app.core import clock
from app.core.db.engine import Database
from app.modules.loyalty import seeds
from app.modules.loyalty.services.verification_service import verify_ledger
from app.ops.seeding import seed_modules

COUNT = """
SELECT (SELECT count(*) FROM loyalty_cards c WHERE c.merchant_id = m.id) AS cards,
       (SELECT count(*) FROM loyalty_transactions t WHERE t.merchant_id = m.id) AS entries,
       (SELECT count(*) FROM loyalty_transactions t WHERE t.merchant_id = m.id AND t.created_at > $2) AS in_the_future,
       (SELECT count(DISTINCT t.created_at::date) FROM loyalty_transactions t WHERE t.merchant_id = m.id) AS days,
       (SELECT count(*) FROM loyalty_rewards r WHERE r.merchant_id = m.id) AS rewards,
       (SELECT count(*) FROM loyalty_staff_pins p WHERE p.merchant_id = m.id) AS pins,
       (SELECT count(*) FROM core_outbox o WHERE o.merchant_id = m.id AND o.task LIKE 'loyalty.%' AND o.done_at IS NULL) AS messages
FROM tenancy_merchants m JOIN tenancy_stores s ON s.merchant_id = m.id WHERE s.code = $1
"""


@pytest.mark.parametrize("scene", seeds.SCENES, ids=lambda scene: scene.store_code)
async def test_the_demo_shows_ninety_days_of_visits_once(database: Database, superuser: asyncpg.Connection, scene: seeds.Scene) -> None:
    for module in seed_modules():
        await module.seed_demo(database)
    found = await superuser.fetchrow(COUNT, scene.store_code, clock.now())
    assert found is not None
    assert (found["rewards"], found["pins"], found["in_the_future"], found["messages"]) == (len(scene.rewards), len(scene.team), 0, 0)
    assert found["cards"] > scene.people * 0.9
    assert found["days"] > 60
    for module in seed_modules():
        await module.seed_demo(database)
    assert await superuser.fetchrow(COUNT, scene.store_code, clock.now()) == found
    merchant_id = await superuser.fetchval("SELECT merchant_id FROM tenancy_stores WHERE code = $1", scene.store_code)
    result = await verify_ledger(database, merchant_id)
    assert (result.checked, result.broken_count) == (found["cards"], 0)
