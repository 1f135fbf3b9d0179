"""Background work in a test's own process: the real sweep, claim and handlers, without a broker in between."""

import datetime as dt
import uuid
from collections.abc import Mapping

import asyncpg

from app.core import clock
from app.core.db.engine import Database, raw_connection
from app.core.modules import load_modules
from app.core.outbox import claims
from app.core.tasks.registry import handlers_of
from app.core.tasks.runner import Handler, Outcome, Runner

DUE_IDS = """
SELECT id FROM core_outbox WHERE done_at IS NULL AND dead_at IS NULL AND available_at <= $1 AND merchant_id = $2
ORDER BY available_at, id
"""


async def run_due(
    database: Database,
    *,
    merchant_id: uuid.UUID | None = None,
    now: dt.datetime | None = None,
    handlers: Mapping[str, Handler] | None = None,
    max_runs: int = 1000,
) -> list[Outcome]:
    """Run all messages due at `now` (the present), and those they cause, until none is due; return the outcomes in order.

    With `merchant_id` only that merchant's. AssertionError after `max_runs`: something makes work for itself without end.
    """
    runner = Runner(database, handlers if handlers is not None else handlers_of(load_modules()))
    outcomes: list[Outcome] = []
    while True:
        async with raw_connection(database.platform) as conn:
            ids = await _due(conn, merchant_id, now or clock.now())
        if not ids:
            return outcomes
        for message_id in ids:
            outcomes.append(await runner.run(message_id, now))
        assert len(outcomes) <= max_runs, f"still due after {max_runs} runs"


async def _due(conn: asyncpg.Connection, merchant_id: uuid.UUID | None, now: dt.datetime) -> list[uuid.UUID]:
    if merchant_id is None:
        return list((await claims.sweep(conn, now)).ids)
    return [row["id"] for row in await conn.fetch(DUE_IDS, now, merchant_id)]
