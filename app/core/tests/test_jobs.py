"""Runs of long work: one holder at a time, progress that is added up, takeover after a minute of silence."""

import asyncio
import datetime as dt
import uuid

import asyncpg
import pytest

from app.core import clock, jobs
from app.core.context import SYSTEM, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database
from app.core.tasks.runner import PLATFORM

KIND, PERIOD = "test.count_cards", "2026-05-01"


async def begin(
    database: Database, merchant_id: uuid.UUID | None, *, now: dt.datetime | None = None, kind: str = KIND
) -> jobs.JobRun | None:
    if merchant_id is None:
        async with platform_unit_of_work(database, PLATFORM, now=now) as platform:
            return await jobs.begin_run(platform, kind, PERIOD)
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        return await jobs.begin_run(ctx, kind, PERIOD)


async def begun(database: Database, merchant_id: uuid.UUID, *, now: dt.datetime | None = None) -> jobs.JobRun:
    run = await begin(database, merchant_id, now=now)
    assert run is not None
    return run


async def test_of_many_at_once_one_gets_the_run(database: Database) -> None:
    for _ in range(20):
        found = await asyncio.gather(*(begin(database, merchant_id) for merchant_id in [uuid.uuid4()] * 4))
        assert [run.attempt for run in found if run is not None] == [1]


async def test_the_platform_and_each_merchant_have_runs_of_their_own(database: Database) -> None:
    one, other, kind = uuid.uuid4(), uuid.uuid4(), f"test.{uuid.uuid4().hex}"
    assert None not in [await begin(database, merchant_id, kind=kind) for merchant_id in (one, other, None)]
    assert [await begin(database, merchant_id, kind=kind) for merchant_id in (one, other, None)] == [None, None, None]


async def test_progress_is_added_up_and_a_finished_run_stays_finished(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    run = await begun(database, merchant_id, now=now)
    for number, counts in enumerate(({"cards": 500, "points": 70}, {"cards": 3, "warnings": 1}), 1):
        async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now + number * dt.timedelta(seconds=50)) as ctx:
            run = await jobs.advance(ctx, run, cursor={"after_id": str(merchant_id), "chunk": number}, counts=counts)
    assert run.counts == {"cards": 503, "points": 70, "warnings": 1}
    assert await begin(database, merchant_id, now=now + dt.timedelta(seconds=159)) is None  # its last sign is 59 s old
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now + dt.timedelta(seconds=160)) as ctx:
        await jobs.finish(ctx, run)
    assert await begin(database, merchant_id, now=now + dt.timedelta(days=1)) is None
    [row] = await superuser.fetch("SELECT * FROM core_job_runs WHERE merchant_id = $1", merchant_id)
    assert (row["status"], row["counts"], row["cursor"]) == ("done", run.counts, {"after_id": str(merchant_id), "chunk": 2})
    assert (row["started_at"], row["finished_at"]) == (now, now + dt.timedelta(seconds=160))


async def test_a_lapsed_run_is_taken_over_where_it_stopped_and_the_old_holder_is_fenced(database: Database) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    old = await begun(database, merchant_id, now=now)
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        old = await jobs.advance(ctx, old, cursor={"chunk": 7}, counts={"cards": 3500})
    assert await begin(database, merchant_id, now=now + jobs.LAPSE) is None
    late = now + jobs.LAPSE + dt.timedelta(seconds=1)
    found = await asyncio.gather(*(begin(database, merchant_id, now=late) for _ in range(4)))
    [new] = [run for run in found if run is not None]
    assert (new.id, new.attempt, new.cursor, new.counts) == (old.id, 2, {"chunk": 7}, {"cards": 3500})

    async def advance_old() -> None:
        async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=late) as ctx:
            ctx.enqueue("test.never")
            await jobs.advance(ctx, old, cursor={"chunk": 8}, counts={"cards": 500})

    async def end_old() -> None:
        async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=late) as ctx:
            await jobs.finish(ctx, old)

    for attempt in (advance_old, end_old):
        with pytest.raises(jobs.RunLost):
            await attempt()
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=late) as ctx:
        new = await jobs.advance(ctx, new, cursor={"chunk": 8}, counts={"cards": 1})
    assert new.counts == {"cards": 3501}


async def test_a_failed_run_may_be_taken_up_at_once(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    run = await begun(database, merchant_id)
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        await jobs.fail(ctx, run, "mail_refused")
    assert await superuser.fetchval("SELECT error FROM core_job_runs WHERE id = $1", run.id) == "mail_refused"
    again = await begun(database, merchant_id)
    assert (again.id, again.attempt) == (run.id, 2)
    assert await superuser.fetchval("SELECT error FROM core_job_runs WHERE id = $1", run.id) is None


async def test_a_merchant_sees_its_own_runs_and_the_platform_all(database: Database) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    await begun(database, mine)
    foreign = await begun(database, theirs)
    async with unit_of_work(database, Principal(SYSTEM, mine)) as ctx:
        assert [row["merchant_id"] for row in await ctx.conn.fetch("SELECT merchant_id FROM core_job_runs")] == [mine]
        with pytest.raises(jobs.RunLost):
            await jobs.advance(ctx, foreign, cursor={}, counts={})
    async with platform_unit_of_work(database, PLATFORM) as platform:
        rows = await platform.conn.fetch("SELECT merchant_id FROM core_job_runs WHERE merchant_id = ANY($1)", [mine, theirs])
        assert {row["merchant_id"] for row in rows} == {mine, theirs}


async def test_what_is_done_is_told_from_what_somebody_else_is_at(database: Database) -> None:
    merchant_id, now, hour = uuid.uuid4(), clock.now(), dt.timedelta(hours=1)
    for number, period in enumerate(("2026-05-01", "2026-05-02")):
        async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now + number * hour) as ctx:
            assert await jobs.last_done(ctx, KIND) == (now if number else None)
            run = await jobs.begin_run(ctx, KIND, period)
            assert run is not None
            assert not await jobs.is_done(ctx, KIND, period)
            if number == 0:
                await jobs.finish(ctx, run)
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        assert [await jobs.is_done(ctx, KIND, period) for period in ("2026-05-01", "2026-05-02")] == [True, False]
        assert await jobs.last_done(ctx, KIND) == now
        assert await jobs.last_done(ctx, "test.other") is None
    async with platform_unit_of_work(database, PLATFORM) as platform:
        assert not await jobs.is_done(platform, KIND, "2026-05-01")


async def test_a_run_that_is_let_go_of_is_gone_on_with_at_once(database: Database) -> None:
    merchant_id, now = uuid.uuid4(), clock.now()
    async with unit_of_work(database, Principal(SYSTEM, merchant_id), now=now) as ctx:
        run = await jobs.begin_run(ctx, KIND, "2026-05-01")
        assert run is not None
        run = await jobs.advance(ctx, run, cursor={"after": "a"}, counts={"cards": 3})
        await jobs.release(ctx, run)
        again = await jobs.begin_run(ctx, KIND, "2026-05-01")
        assert again is not None
        assert (again.attempt, again.cursor, again.counts) == (2, {"after": "a"}, {"cards": 3})
        with pytest.raises(jobs.RunLost):
            await jobs.release(ctx, run)
