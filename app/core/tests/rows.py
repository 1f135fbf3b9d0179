"""Rows of the outbox for tests of core: written by the real unit of work, read beyond all policies."""

import datetime as dt
import uuid
from typing import Any

import asyncpg

from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db.engine import Database


async def enqueue(
    database: Database, merchant_id: uuid.UUID, task: str = "test.note", *, count: int = 1, now: dt.datetime | None = None, **payload: Any
) -> list[uuid.UUID]:
    """Write `count` messages of `merchant_id` in one unit of work; return their ids in order."""
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        for _ in range(count):
            ctx.enqueue(task, **payload)
        ids = [message.id for message in ctx.pending]
    return ids


async def read_message(superuser: asyncpg.Connection, message_id: uuid.UUID) -> asyncpg.Record:
    """Return the row of a message."""
    [row] = await superuser.fetch("SELECT * FROM core_outbox WHERE id = $1", message_id)
    return row


async def count_due(superuser: asyncpg.Connection, merchant_id: uuid.UUID) -> int:
    """Return how many messages of a merchant are neither done nor dead."""
    return int(
        await superuser.fetchval(
            "SELECT count(*) FROM core_outbox WHERE merchant_id = $1 AND done_at IS NULL AND dead_at IS NULL", merchant_id
        )
    )
