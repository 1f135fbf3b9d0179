"""A chunk of the sweep reads as many cards as it changes, and not all that are still to come."""

import asyncpg

from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db.engine import Database
from app.modules.loyalty.queries import expiry
from app.modules.loyalty.services.chunks import CHUNK, FIRST
from app.modules.loyalty.services.ledger_expiry import expire_chunk
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG, local
from app.modules.loyalty.tests.factories import make_shop
from app.modules.loyalty.tests.sweeps import make_cards

VISIT, MIDNIGHT = local("2025-01-10T15:00"), local("2026-01-11T00:00")
READ = "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'loyalty_cards'"
READERS = 3
"""The lock, the update, and the foreign key of the new rows: each reads a card of the chunk once."""


async def test_a_chunk_walks_along_the_key(shared: Database, shared_superuser: asyncpg.Connection) -> None:
    shop = await make_shop(shared, now=local("2024-01-01T00:00"), points_expiration_days=365)
    await make_cards(shared_superuser, shop, 6 * CHUNK, at=VISIT)
    after_id = FIRST
    for _ in range(2):  # the second time with the kept plan
        async with unit_of_work(shared, Principal(SYSTEM, shop.merchant.id), now=MIDNIGHT) as ctx:
            sweep = await expiry.find_sweep(ctx, LUXEMBOURG)
            assert sweep is not None
            [before] = await ctx.conn.fetch(READ)
            chunk = await expire_chunk(ctx, sweep, after_id=after_id)
            [after] = await ctx.conn.fetch(READ)
        assert (chunk.expired, chunk.is_full, after["seq_scan"] - before["seq_scan"]) == (CHUNK, True, 0)
        assert after["idx_tup_fetch"] - before["idx_tup_fetch"] <= READERS * CHUNK
        assert chunk.last_id is not None
        after_id = chunk.last_id
