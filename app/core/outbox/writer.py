"""Writing to the outbox: messages are rows of the transaction that caused them (architecture.md, between modules)."""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from app.core.events import Event
from app.core.ids import new_id

INSERT = """
INSERT INTO core_outbox (id, merchant_id, task, payload, available_at, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::timestamptz[], $5::timestamptz[])
"""

# What a worker holds is left to it: it finds nobody any more.
WITHDRAW = """
UPDATE core_outbox SET done_at = $4, sweep_at = NULL
WHERE merchant_id = $1 AND done_at IS NULL AND dead_at IS NULL AND lease_until IS NULL
  AND (payload->>'customer_id' = $2 OR payload->>'card_id' = ANY($3::text[]))
"""


@dataclasses.dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One thing to do after the commit: the task's name and its payload (ids, numbers, short codes)."""

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    task: str
    payload: dict[str, Any]
    available_at: dt.datetime


_subscribers: dict[str, list[str]] = {}


def subscribe(event_name: str, task: str) -> None:
    """Make `task` run for each event `event_name`; subscribing twice is harmless."""
    tasks = _subscribers.setdefault(event_name, [])
    if task not in tasks:
        tasks.append(task)


def tasks_for_event(event_name: str) -> Sequence[str]:
    """Return the tasks that run for each event `event_name`, for writers that make their messages inside the database."""
    return tuple(_subscribers.get(event_name, ()))


def messages_for_event(event: Event, *, merchant_id: uuid.UUID | None, now: dt.datetime) -> list[OutboxMessage]:
    """Return one message per subscriber of `event`, so that one failing subscriber never holds up another."""
    payload = event.payload()
    return [OutboxMessage(new_id(), merchant_id, task, payload, now) for task in tasks_for_event(event.name)]


def message_for_task(task: str, payload: dict[str, Any], *, merchant_id: uuid.UUID | None, now: dt.datetime) -> OutboxMessage:
    """Return a message that runs `task` at `now` or later; UUIDs in `payload` become text."""
    values = {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in payload.items()}
    return OutboxMessage(new_id(), merchant_id, task, values, now)


def columns(messages: Iterable[OutboxMessage]) -> tuple[list[Any], list[Any], list[Any], list[Any], list[Any]]:
    """Return `messages` as the column arrays of the set-based INSERT."""
    rows: Sequence[OutboxMessage] = list(messages)
    return (
        [row.id for row in rows],
        [row.merchant_id for row in rows],
        [row.task for row in rows],
        [json.dumps(row.payload, separators=(",", ":")) for row in rows],
        [row.available_at for row in rows],
    )


async def write(conn: asyncpg.Connection, messages: Iterable[OutboxMessage]) -> None:
    """Insert `messages` in one statement, in the caller's transaction."""
    await conn.execute(INSERT, *columns(messages))


async def withdraw(
    conn: asyncpg.Connection, merchant_id: uuid.UUID, *, customer_id: uuid.UUID, card_ids: Iterable[uuid.UUID], now: dt.datetime
) -> int:
    """Take back what waits to be done for a customer or their cards, as they are being erased; return how many messages."""
    status: str = await conn.execute(WITHDRAW, merchant_id, str(customer_id), [str(card_id) for card_id in card_ids], now)
    return int(status.rpartition(" ")[2])
