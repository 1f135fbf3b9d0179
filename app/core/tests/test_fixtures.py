"""The fixtures themselves: roles, isolation from the network, a checksum that notices a change."""

import inspect
import socket
import uuid
from collections.abc import Awaitable, Callable

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from app.core.db.engine import Database
from app.core.modules import load_modules
from app.core.schedules import timetable_of
from app.core.tasks.registry import handlers_of
from app.core.testing.network import NetworkBlocked


async def test_the_application_connects_as_a_role_without_power(database: Database) -> None:
    async with database.app.connect() as connection:
        row = (
            await connection.execute(text("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"))
        ).one()
    assert tuple(row) == ("orion_app", False, False)
    async with database.platform.connect() as connection:
        assert (await connection.execute(text("SELECT current_user"))).scalar_one() == "orion_platform"


def test_the_network_is_out_of_reach() -> None:
    with pytest.raises(NetworkBlocked), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkBlocked):
        socket.getaddrinfo("example.org", 443)


async def test_a_checksum_notices_a_changed_row(
    superuser: asyncpg.Connection, checksum: Callable[[str, uuid.UUID], Awaitable[str]]
) -> None:
    merchant_id = uuid.uuid4()
    empty = await checksum("core_outbox", merchant_id)
    await superuser.execute(
        """INSERT INTO core_outbox (id, merchant_id, task, payload, created_at, available_at, done_at)
           VALUES ($1, $2, 'x', $3, now(), now(), now())""",
        uuid.uuid4(),
        merchant_id,
        {},
    )
    before = await checksum("core_outbox", merchant_id)
    await superuser.execute("UPDATE core_outbox SET attempts = 1 WHERE merchant_id = $1", merchant_id)
    assert len({empty, before, await checksum("core_outbox", merchant_id)}) == 3


async def test_the_whole_application_starts_and_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    assert (await client.get("/api/openapi.json")).json()["info"]["title"] == "Orion Loyalty"


async def test_a_worker_knows_every_task_and_beat_every_schedule() -> None:
    definitions = load_modules()
    handlers, timetable = handlers_of(definitions), timetable_of(definitions)
    assert {schedule.task for schedule in timetable.schedules} <= set(handlers)
    assert all(inspect.iscoroutinefunction(handler) for handler in handlers.values())
    assert timetable.list_merchant_zones is not None or not timetable.daily
