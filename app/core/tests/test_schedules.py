"""When beat starts a task next, what is kept of scheduled runs, and what housekeeping forgets: counted to the row."""

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from app.core import clock, task_stats
from app.core.context import SYSTEM, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database, raw_connection
from app.core.errors import GiveUp
from app.core.modules import Schedule
from app.core.schedules import CORE_SCHEDULES, next_start
from app.core.tasks import housekeeping
from app.core.tasks.batch import Batch, batch_task
from app.core.tasks.runner import PLATFORM, Runner

LUXEMBOURG, AUCKLAND = "Europe/Luxembourg", "Pacific/Auckland"
DAY = dt.timedelta(days=1)


def local(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "zones", "expected"),
    [
        (Schedule("a.b", seconds=60), (2026, 5, 1, 10, 0), (), (2026, 5, 1, 10, 1)),
        (Schedule("a.b", hour=3), (2026, 5, 1, 2, 59), (LUXEMBOURG,), (2026, 5, 1, 3, 0)),
        (Schedule("a.b", hour=3), (2026, 5, 1, 3, 0), (LUXEMBOURG,), (2026, 5, 2, 3, 0)),
        (Schedule("a.b", hour=0), (2026, 10, 25, 2, 30), (LUXEMBOURG,), (2026, 10, 26, 0, 0)),  # the day with 25 hours
        (Schedule("a.b", hour=9, weekday=0), (2026, 5, 4, 8, 0), (LUXEMBOURG,), (2026, 5, 4, 9, 0)),  # a Monday
        (Schedule("a.b", hour=9, weekday=0), (2026, 5, 4, 9, 0), (LUXEMBOURG,), (2026, 5, 11, 9, 0)),
        (Schedule("a.b", hour=9, weekday=6), (2026, 5, 4, 9, 0), (LUXEMBOURG,), (2026, 5, 10, 9, 0)),
    ],
)
def test_the_next_start(schedule: Schedule, now: Any, zones: Any, expected: Any) -> None:
    assert next_start(schedule, local(LUXEMBOURG, *now), zones) == local(LUXEMBOURG, *expected)


def test_the_next_start_is_where_it_comes_first() -> None:
    noon = dt.datetime(2026, 5, 1, 11, 0, tzinfo=dt.UTC)  # 13:00 in Luxembourg, 23:00 in Auckland
    assert next_start(Schedule("a.b", hour=0), noon, (LUXEMBOURG, AUCKLAND)) == dt.datetime(2026, 5, 1, 12, 0, tzinfo=dt.UTC)
    assert next_start(Schedule("a.b", hour=0), noon, ()) is None


async def succeed(_ctx: Any) -> None:
    """A task that has nothing to do."""


async def stumble(_ctx: Any) -> None:
    raise RuntimeError


async def give_up(_ctx: Any) -> None:
    raise GiveUp(code="never")


@batch_task
async def go_on(batch: Batch) -> bool:
    async with batch.unit_of_work():
        return False


@pytest.fixture
def task() -> str:
    """A task that has a schedule."""
    name = f"test.{uuid.uuid4().hex}"
    task_stats.watch_tasks([name])
    return name


async def run(database: Database, task: str, handler: Any, merchant_id: uuid.UUID, *, now: dt.datetime) -> str:
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        ctx.enqueue(task)
        message_id = ctx.pending[0].id
    return await Runner(database, {task: handler}).run(message_id, now)


async def stats_of(database: Database, task: str, now: dt.datetime) -> task_stats.TaskStats | None:
    async with raw_connection(database.platform) as conn:
        return (await task_stats.read_stats(conn, [task], now.date())).get(task)


async def test_runs_of_scheduled_tasks_are_counted_per_day_and_subject(
    database: Database, superuser: asyncpg.Connection, task: str
) -> None:
    one, other, noon = uuid.uuid4(), uuid.uuid4(), dt.datetime(2026, 5, 10, 12, tzinfo=dt.UTC)
    assert await stats_of(database, task, noon) is None
    for days, merchant_id, handler, outcome in (
        (8, one, succeed, "done"), (6, one, succeed, "done"), (1, one, stumble, "retried"), (1, other, give_up, "dead"),
        (0, one, succeed, "done"), (0, one, go_on, "continued"), (0, one, succeed, "done"),
    ):  # fmt: skip
        assert await run(database, task, handler, merchant_id, now=noon - days * DAY) == outcome
    found = await stats_of(database, task, noon)
    assert found is not None
    assert (found.runs, found.failures, found.last_outcome, found.last_reason) == (5, 2, "done", None)
    assert noon - dt.timedelta(seconds=5) < found.last_started_at <= noon
    assert found.last_success_at == found.last_started_at
    rows = await superuser.fetch("SELECT * FROM core_task_stats WHERE task = $1 ORDER BY day, subject_id = $2", task, one)
    assert [(row["subject_id"], row["day"].day, row["runs"], row["failures"]) for row in rows] == [
        (one, 2, 1, 0), (one, 4, 1, 0), (other, 9, 1, 1), (one, 9, 1, 1), (one, 10, 2, 0),
    ]  # fmt: skip
    assert [row["last_reason"] for row in rows if row["failures"]] == ["never", "RuntimeError"]


async def test_work_that_no_clock_starts_leaves_no_figures(database: Database, superuser: asyncpg.Connection) -> None:
    name = f"test.{uuid.uuid4().hex}"
    assert await run(database, name, succeed, uuid.uuid4(), now=clock.now()) == "done"
    assert await superuser.fetchval("SELECT count(*) FROM core_task_stats WHERE task = $1", name) == 0


async def test_what_waits_and_gave_up_is_told_by_task(database: Database, task: str) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    await run(database, task, give_up, merchant_id, now=now)
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        ctx.enqueue(task)
        ctx.enqueue(task)
    async with raw_connection(database.platform) as conn:
        assert (await task_stats.read_backlog(conn, [task]))[task] == task_stats.TaskBacklog(waiting=2, running=0, dead=1)


def test_every_housekeeping_task_is_scheduled() -> None:
    assert {schedule.task for schedule in CORE_SCHEDULES} == set(housekeeping.TASKS)


OLD_ROWS = {
    # table: the rows of one merchant or mark, n of them, that old; and how many of those are left
    "core_job_runs": (
        """INSERT INTO core_job_runs (id, merchant_id, kind, period, status, started_at, heartbeat_at)
           SELECT gen_random_uuid(), $1::uuid, 'test.kind', $2::timestamptz::text || n, 'done', $2, $2
           FROM generate_series(1, $3::int) n""",
        "SELECT count(*) FROM core_job_runs WHERE merchant_id = $1",
        60,
    ),
    "core_task_stats": (
        """INSERT INTO core_task_stats SELECT 'test.' || n, $1::uuid, $2::timestamptz::date, 1, 0, 1, $2, 1, 'done', NULL, $2
           FROM generate_series(1, $3::int) n""",
        "SELECT count(*) FROM core_task_stats WHERE subject_id = $1",
        90,
    ),
    "core_store_refusals": (
        """INSERT INTO core_store_refusals SELECT $2::timestamptz - n * interval '1 minute', $1::uuid, 1
           FROM generate_series(1, $3::int) n""",
        "SELECT count(*) FROM core_store_refusals WHERE store_id = $1",
        1,
    ),
    "core_alerts": (
        """INSERT INTO core_alerts SELECT gen_random_uuid(), $1::uuid, 'test', n::text, 'warn', '{}', $2::timestamptz, $2, $2
           FROM generate_series(1, $3::int) n""",
        "SELECT count(*) FROM core_alerts WHERE merchant_id = $1",
        365,
    ),
}


@pytest.mark.parametrize("table", sorted(OLD_ROWS))
async def test_what_is_watched_is_forgotten_chunk_by_chunk(database: Database, superuser: asyncpg.Connection, table: str) -> None:
    insert, count, days = OLD_ROWS[table]
    mine, now = uuid.uuid4(), clock.now()
    await superuser.execute(insert, mine, now - days * DAY - dt.timedelta(hours=25), housekeeping.CHUNK + 3)
    await superuser.execute(insert, mine, now - days * DAY + dt.timedelta(hours=12), 2)
    async with platform_unit_of_work(database, PLATFORM) as ctx:
        ctx.enqueue("core.forget_runs")
        message_id: uuid.UUID | None = ctx.pending[0].id
    runner, left = Runner(database, housekeeping.TASKS), []
    while message_id is not None:
        assert await runner.run(message_id) == "done"
        left.append(await superuser.fetchval(count, mine))
        follow_up = "SELECT id FROM core_outbox WHERE task = 'core.forget_runs' AND done_at IS NULL AND available_at <= $1"
        message_id = await superuser.fetchval(follow_up, clock.now())
    assert left == [5, 2]


async def test_an_alerts_notices_go_with_it_and_open_alerts_stay(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    for subject, cleared_at in (("over", now - 366 * DAY), ("open", None)):
        await superuser.execute(
            """WITH made AS (INSERT INTO core_alerts (id, merchant_id, rule, subject, severity, opened_at, seen_at, cleared_at)
                             VALUES (gen_random_uuid(), $1, 'test', $2, 'warn', $3, $3, $4) RETURNING id)
               INSERT INTO core_alert_notices (alert_id, phase, channel) SELECT id, 'opened', 'mail' FROM made""",
            merchant_id, subject, now - 400 * DAY, cleared_at,
        )  # fmt: skip
    async with platform_unit_of_work(database, PLATFORM) as ctx:
        await housekeeping.forget_runs(ctx)
    rows = await superuser.fetch(
        "SELECT subject FROM core_alerts JOIN core_alert_notices ON alert_id = id WHERE merchant_id = $1", merchant_id
    )
    assert [row["subject"] for row in rows] == ["open"]
    assert await superuser.fetchval("SELECT count(*) FROM core_alert_notices WHERE alert_id NOT IN (SELECT id FROM core_alerts)") == 0
    await superuser.execute("DELETE FROM core_alert_notices; DELETE FROM core_alerts")
