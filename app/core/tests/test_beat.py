"""Beat and housekeeping: once per task and period, in each merchant's zone, and nothing kept longer than promised."""

import asyncio
import datetime as dt
import uuid

import asyncpg
import pytest

from app.core import clock
from app.core.context import SYSTEM, PlatformCtx, Principal, platform_unit_of_work, unit_of_work
from app.core.db import heartbeats
from app.core.db.engine import Database, raw_connection
from app.core.ids import new_id
from app.core.modules import InvalidModule, ModuleDefinition, Schedule, check_modules
from app.core.schedules import Timetable, timetable_of
from app.core.tasks import beat, housekeeping
from app.core.tasks.runner import PLATFORM, Runner

DAY = dt.timedelta(days=1)


def unique() -> str:
    return f"test.{new_id().hex}"


async def count_messages(superuser: asyncpg.Connection, task: str) -> int:
    return int(await superuser.fetchval("SELECT count(*) FROM core_outbox WHERE task = $1", task))


async def test_an_interval_starts_once_per_period_with_two_beats(database: Database, superuser: asyncpg.Connection) -> None:
    task, start = unique(), dt.datetime(2026, 5, 1, 10, 0, tzinfo=dt.UTC)
    timetable = Timetable([Schedule(task, seconds=60)], None)
    for second in (0, 1, 30, 59):
        await asyncio.gather(*(beat.tick(database, timetable, now=start + dt.timedelta(seconds=second)) for _ in range(2)))
    assert await count_messages(superuser, task) == 1
    await beat.tick(database, timetable, now=start + dt.timedelta(seconds=60))
    await beat.tick(database, timetable, now=start + dt.timedelta(hours=3))  # missed periods are not made up for
    assert await count_messages(superuser, task) == 3


async def test_a_day_starts_at_its_hour_in_each_merchants_zone(database: Database, superuser: asyncpg.Connection) -> None:
    luxembourg, tokyo, task = uuid.uuid4(), uuid.uuid4(), unique()

    async def zones(_ctx: PlatformCtx) -> list[tuple[uuid.UUID, str]]:
        return [(luxembourg, "Europe/Luxembourg"), (tokyo, "Asia/Tokyo")]

    async def started(now: dt.datetime) -> list[uuid.UUID]:
        before = {row["id"] for row in await superuser.fetch("SELECT id FROM core_outbox WHERE task = $1", task)}
        await asyncio.gather(*(beat.tick(database, timetable, now=now) for _ in range(2)))
        rows = await superuser.fetch("SELECT id, merchant_id FROM core_outbox WHERE task = $1", task)
        return [row["merchant_id"] for row in rows if row["id"] not in before]

    timetable = Timetable([Schedule(task, hour=3)], zones)
    midnight = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    assert await started(midnight) == [tokyo]  # 09:00 there: late on this day, but made up for
    assert await started(midnight + dt.timedelta(minutes=59)) == []
    assert await started(midnight + dt.timedelta(hours=1)) == [luxembourg]  # 03:00 in summer
    assert await started(midnight + dt.timedelta(hours=17, minutes=59)) == []
    assert await started(midnight + dt.timedelta(hours=18)) == [tokyo]
    assert sorted(await started(midnight + 2 * DAY)) == sorted([tokyo])
    assert sorted(await started(midnight + 2 * DAY + dt.timedelta(hours=2))) == [luxembourg]


async def test_right_after_midnight_and_once_a_week_by_each_merchants_clock(database: Database, superuser: asyncpg.Connection) -> None:
    luxembourg, auckland, nightly, weekly = uuid.uuid4(), uuid.uuid4(), unique(), unique()

    async def zones(_ctx: PlatformCtx) -> list[tuple[uuid.UUID, str]]:
        return [(luxembourg, "Europe/Luxembourg"), (auckland, "Pacific/Auckland")]

    async def started(task: str, now: dt.datetime) -> set[uuid.UUID]:
        known = [row["id"] for row in await superuser.fetch("SELECT id FROM core_outbox WHERE task = $1", task)]
        await asyncio.gather(*(beat.tick(database, timetable, now=now) for _ in range(2)))
        rows = await superuser.fetch("SELECT merchant_id FROM core_outbox WHERE task = $1 AND id <> ALL($2)", task, known)
        assert len(rows) == len({row["merchant_id"] for row in rows})
        return {row["merchant_id"] for row in rows}

    # Sunday 25 October 2026: the clocks of Luxembourg go back, from 22:00 UTC on 24 October to 23:00 UTC on the 25th.
    timetable = Timetable([Schedule(nightly, hour=0)], zones)
    saturday = dt.datetime(2026, 10, 24, tzinfo=dt.UTC)
    assert await started(nightly, saturday) == {luxembourg, auckland}
    assert await started(nightly, saturday + dt.timedelta(hours=11)) == {auckland}
    assert await started(nightly, saturday + dt.timedelta(hours=21, minutes=59)) == set()
    assert await started(nightly, saturday + dt.timedelta(hours=22)) == {luxembourg}
    assert await started(nightly, saturday + dt.timedelta(hours=35)) == {auckland}
    assert await started(nightly, saturday + dt.timedelta(hours=46, minutes=59)) == set()
    assert await started(nightly, saturday + dt.timedelta(hours=47)) == {luxembourg}

    timetable = Timetable([Schedule(weekly, hour=9, weekday=0)], zones)
    monday = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
    assert await started(weekly, monday) == {luxembourg, auckland}  # Auckland's 09:00 has passed, Luxembourg's was last week
    assert await started(weekly, monday + dt.timedelta(hours=7, minutes=59)) == set()
    assert await started(weekly, monday + dt.timedelta(hours=8)) == {luxembourg}
    assert await started(weekly, monday + dt.timedelta(days=6, hours=19)) == set()
    assert await started(weekly, monday + dt.timedelta(days=6, hours=20)) == {auckland}
    assert await started(weekly, monday + dt.timedelta(days=9)) == {luxembourg}  # missed on Monday, made up for on Wednesday


@pytest.mark.parametrize(
    "schedule",
    [Schedule("a.b"), Schedule("a.b", seconds=5, hour=3), Schedule("a.b", hour=24), Schedule("a.b", hour=3, weekday=7),
     Schedule("a.b", seconds=5, weekday=0)],
)  # fmt: skip
def test_a_schedule_that_does_not_say_when_is_refused(schedule: Schedule) -> None:
    with pytest.raises(InvalidModule, match="needs either seconds"):
        check_modules([ModuleDefinition("a", tasks={"a.b": "app.core.clock:now"}, beat=(schedule,))])


async def test_a_tick_that_fails_leaves_nothing_behind(database: Database, superuser: asyncpg.Connection) -> None:
    task = unique()

    async def zones(_ctx: PlatformCtx) -> list[tuple[uuid.UUID, str]]:
        raise RuntimeError

    timetable = Timetable([Schedule(task, seconds=60), Schedule(unique(), hour=0)], zones)
    with pytest.raises(RuntimeError):
        await beat.tick(database, timetable)
    assert await count_messages(superuser, task) == 0
    assert await superuser.fetchval("SELECT count(*) FROM core_schedule_runs WHERE task = $1", task) == 0


def test_a_timetable_has_the_modules_schedules_and_cores() -> None:
    module = ModuleDefinition("small", beat=(Schedule("small.daily", hour=3), Schedule("small.often", seconds=5)))
    timetable = timetable_of([module])
    assert [schedule.task for schedule in timetable.daily] == ["small.daily"]
    assert {"small.often", *housekeeping.TASKS} == {schedule.task for schedule in timetable.intervals}
    assert timetable.list_merchant_zones is None


async def run_core_task(database: Database, task: str) -> None:
    async with platform_unit_of_work(database, PLATFORM) as ctx:
        ctx.enqueue(task)
        message_id = ctx.pending[0].id
    assert await Runner(database, housekeeping.TASKS).run(message_id) == "done"


async def test_what_is_old_is_forgotten_and_the_rest_is_kept(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    for name, age in (("old", 8), ("young", 6)):
        await superuser.execute("INSERT INTO core_idempotency VALUES ($1, $2, '', 200, '', $3)", merchant_id, name, now - age * DAY)
    for age in (91, 89):
        await superuser.execute(
            """INSERT INTO core_audit_log (id, merchant_id, at, action, target_type, actor_kind, request_id, address, details)
               VALUES ($1, $2, $3, 'x', 'x', 'user', '', '192.0.2.1', '{}')""",
            new_id(),
            merchant_id,
            now - age * DAY,
        )
    for age, column in ((31, "done_at"), (29, "done_at"), (90, "dead_at")):
        await superuser.execute(
            f"""INSERT INTO core_outbox (id, merchant_id, task, payload, created_at, available_at, {column})
                VALUES ($1, $2, 'x', '{{}}', $3, $3, $3)""",
            new_id(),
            merchant_id,
            now - age * DAY,
        )
    for task in housekeeping.TASKS:
        await run_core_task(database, task)

    async def values(statement: str) -> list[object]:
        return [row[0] for row in await superuser.fetch(statement, merchant_id)]

    assert await values("SELECT key FROM core_idempotency WHERE merchant_id = $1") == ["young"]
    assert await values("SELECT address FROM core_audit_log WHERE merchant_id = $1 ORDER BY at") == [None, "192.0.2.1"]
    assert await values("SELECT dead_at IS NULL FROM core_outbox WHERE merchant_id = $1 ORDER BY created_at") == [False, True]


async def test_forgetting_goes_on_chunk_by_chunk(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, old = uuid.uuid4(), clock.now() - 8 * DAY
    await superuser.execute(
        "INSERT INTO core_idempotency SELECT $1, 'k' || n, '', 200, '', $2 FROM generate_series(1, $3) n",
        merchant_id,
        old,
        housekeeping.CHUNK + 1,
    )
    await run_core_task(database, "core.forget_answers")
    assert await superuser.fetchval("SELECT count(*) FROM core_idempotency WHERE merchant_id = $1", merchant_id) == 1
    follow_up = "SELECT id FROM core_outbox WHERE task = 'core.forget_answers' AND done_at IS NULL"
    [row] = await superuser.fetch(follow_up)
    assert await Runner(database, housekeeping.TASKS).run(row["id"]) == "done"
    assert await superuser.fetchval("SELECT count(*) FROM core_idempotency WHERE merchant_id = $1", merchant_id) == 0
    assert await superuser.fetch(follow_up) == []


async def test_processes_give_signs_of_life_and_sign_off(database: Database) -> None:
    beating = asyncio.create_task(heartbeats.keep_beating(database, "relay"))
    async with asyncio.timeout(5), raw_connection(database.platform) as conn:
        while not (
            mine := [item for item in await heartbeats.list_processes(conn, clock.now()) if item.name == heartbeats.process_name("relay")]
        ):
            pass
        assert mine[0].is_alive
        later = await heartbeats.list_processes(conn, clock.now() + dt.timedelta(minutes=2))
        assert not any(item.is_alive for item in later if item.name == heartbeats.process_name("relay"))
    beating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beating
    async with raw_connection(database.platform) as conn:
        assert heartbeats.process_name("relay") not in [item.name for item in await heartbeats.list_processes(conn, clock.now())]


async def test_a_merchants_unit_of_work_cannot_see_beats_notes(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with unit_of_work(database, Principal(SYSTEM, uuid.uuid4())) as ctx:
            await ctx.conn.fetch("SELECT * FROM core_schedule_runs")
