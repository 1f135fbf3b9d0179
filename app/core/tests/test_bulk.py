"""Long work by items: done once each, gone on with after a death, its results kept and its payloads forgotten."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import pytest

from app.core import bulk, clock
from app.core.bulk import BulkItem, BulkJob, Outcome
from app.core.context import SYSTEM, Actor, Ctx, Principal, platform_unit_of_work, unit_of_work
from app.core.db.engine import Database
from app.core.tasks import housekeeping
from app.core.tasks.batch import Batch, batch_task
from app.core.tasks.runner import PLATFORM

TASK = "test.bulk"
Worker = Callable[..., Awaitable[list[str]]]


async def ask(database: Database, merchant_id: uuid.UUID, items: Sequence[bulk.NewItem], **params: Any) -> uuid.UUID:
    who = Principal(Actor(kind="user", role="owner", user_id=uuid.uuid4(), acting_admin_id=uuid.uuid4()), merchant_id, "fr")
    async with unit_of_work(database, who) as ctx:
        return await bulk.start(ctx, TASK, task=TASK, params=params, items=items)


async def read(database: Database, merchant_id: uuid.UUID, job_id: uuid.UUID) -> tuple[BulkJob, list[BulkItem]]:
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        return await bulk.read(ctx, job_id), await bulk.list_items_after(ctx, job_id, 0, limit=5_000)


def handlers(work: bulk.Work, fill: bulk.Fill | None = None) -> Mapping[str, Any]:
    @batch_task
    async def handler(batch: Batch, *, job_id: uuid.UUID) -> bool:
        return await bulk.run(batch, job_id, work, fill=fill)

    return {TASK: handler}


async def by_payload(ctx: Ctx, _job: BulkJob, items: Sequence[BulkItem]) -> list[Outcome]:
    """Do what each payload says."""
    assert ctx.actor.user_id is not None
    assert ctx.actor.acting_admin_id is not None
    assert ctx.locale == "fr"
    return [Outcome(item.payload["result"], item.payload.get("why"), {"points": 5}) if item.payload else bulk.OK for item in items]


async def test_every_item_has_its_outcome_and_its_payload_is_forgotten(database: Database, worker_once: Worker) -> None:
    merchant_id = uuid.uuid4()
    items: list[bulk.NewItem] = [("a", {"result": "ok"}), ("b", {"result": "conflict", "why": "merged"}), ("a", None), ("c", None)]
    job_id = await ask(database, merchant_id, items, reason="thanks")
    job, _ = await read(database, merchant_id, job_id)
    assert (job.state, job.total, job.done, job.params, job.locale) == ("queued", 4, 0, {"reason": "thanks"}, "fr")
    assert await worker_once(merchant_id=merchant_id, handlers=handlers(by_payload)) == ["done"]
    job, found = await read(database, merchant_id, job_id)
    assert (job.state, job.done, dict(job.counts)) == ("done", 4, {"ok": 2, "conflict": 2, "points": 10})
    assert job.finished_at is not None
    assert found == [
        BulkItem(1, "a", None, "ok", None),
        BulkItem(2, "b", None, "conflict", "merged"),
        BulkItem(3, "a", None, "conflict", bulk.LISTED_TWICE),
        BulkItem(4, "c", None, "ok", None),
    ]


async def test_what_names_somebody_is_emptied_and_there_is_nobody_to_do_it_for(database: Database, worker_once: Worker) -> None:
    merchant_id, other_id = uuid.uuid4(), uuid.uuid4()
    items: list[bulk.NewItem] = [("a", None), ("b", {"result": "ok", "to": "anna@example.lu"}), ("c", {"result": "ok"}), ("anna", None)]
    job_id, foreign_id = await ask(database, merchant_id, items), await ask(database, other_id, items)
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        assert await bulk.forget(ctx, ["a", "anna@example.lu"]) == 2
        assert await bulk.forget(ctx, ["a", "anna@example.lu"]) == 0
    _, found = await read(database, merchant_id, job_id)
    assert [(item.payload, item.outcome) for item in found] == [(None, "not_found")] * 2 + [({"result": "ok"}, None), (None, None)]
    assert await worker_once(merchant_id=merchant_id, handlers=handlers(by_payload)) == ["done"]
    job, found = await read(database, merchant_id, job_id)
    assert (job.state, dict(job.counts)) == ("done", {"not_found": 2, "ok": 2, "points": 5})
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        assert await bulk.forget(ctx, ["c"]) == 0, "what is done stays as it was done"
    _, foreign = await read(database, other_id, foreign_id)
    assert [item.outcome for item in foreign] == [None] * 4


async def test_a_chunk_that_fails_is_undone_and_the_next_try_goes_on_behind_the_last(database: Database, worker_once: Worker) -> None:
    merchant_id, chunks = uuid.uuid4(), []

    async def work(_ctx: Ctx, _job: BulkJob, items: Sequence[BulkItem]) -> list[Outcome]:
        chunks.append(items[0].position)
        if len(chunks) == 2:
            raise RuntimeError("killed")
        return [bulk.OK] * len(items)

    job_id = await ask(database, merchant_id, [(str(number), None) for number in range(1_200)])
    assert await worker_once(merchant_id=merchant_id, handlers=handlers(work)) == ["retried"]
    job, found = await read(database, merchant_id, job_id)
    assert (job.state, job.error, job.done) == ("failed", "RuntimeError", 500)
    assert [item.position for item in found if item.outcome] == list(range(1, 501))
    later = clock.now() + dt.timedelta(hours=1)
    assert await worker_once(merchant_id=merchant_id, now=later, handlers=handlers(work)) == ["done"]
    job, found = await read(database, merchant_id, job_id)
    assert (job.state, job.error, dict(job.counts)) == ("done", None, {"ok": 1_200})
    assert chunks == [1, 501, 501, 1_001]
    assert {item.outcome for item in found} == {"ok"}


async def test_a_job_may_gather_its_items_before_it_does_the_first(database: Database, worker_once: Worker) -> None:
    merchant_id = uuid.uuid4()
    seen: list[int] = []

    async def fill(_ctx: Ctx, job: BulkJob, after: str | None) -> list[bulk.NewItem]:
        first = int(after or 0) + 1
        return [(str(number), None) for number in range(first, min(first + 500, job.params["until"] + 1))]

    async def work(_ctx: Ctx, job: BulkJob, items: Sequence[BulkItem]) -> list[Outcome]:
        seen.append(job.total)
        return [bulk.OK] * len(items)

    job_id = await ask(database, merchant_id, [], until=1_100)
    assert await worker_once(merchant_id=merchant_id, handlers=handlers(work, fill)) == ["done"]
    job, found = await read(database, merchant_id, job_id)
    assert (job.total, dict(job.counts), [item.key for item in found]) == (1_100, {"ok": 1_100}, [str(n) for n in range(1, 1_101)])
    assert seen == [1_100] * 3


async def test_lists_come_in_pages_and_by_outcome(database: Database, worker_once: Worker) -> None:
    merchant_id = uuid.uuid4()
    items: list[bulk.NewItem] = [(str(n), {"result": "ok" if n % 3 else "not_found"}) for n in range(9)]
    jobs = [await ask(database, merchant_id, items) for _ in range(3)]
    await worker_once(merchant_id=merchant_id, handlers=handlers(by_payload))
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        first = await bulk.list_items(ctx, jobs[0], outcome="not_found", limit=2)
        rest = await bulk.list_items(ctx, jobs[0], outcome="not_found", cursor=first.next_cursor, limit=2)
        assert [item.key for item in [*first.items, *rest.items]] == ["0", "3", "6"]
        assert rest.next_cursor is None
        latest = await bulk.list_jobs(ctx, cursor=None, limit=2)
        oldest = await bulk.list_jobs(ctx, cursor=latest.next_cursor, limit=2)
        assert [job.id for job in [*latest.items, *oldest.items]] == jobs[::-1]


async def test_another_merchants_job_is_unknown(database: Database) -> None:
    job_id = await ask(database, uuid.uuid4(), [("a", None)])
    with pytest.raises(bulk.BulkJobNotFoundException):
        await read(database, uuid.uuid4(), job_id)


async def test_jobs_are_forgotten_with_their_items(database: Database, superuser: asyncpg.Connection) -> None:
    merchant_id = uuid.uuid4()
    job_id = await ask(database, merchant_id, [("a", None)])
    await superuser.execute("UPDATE core_bulk_jobs SET created_at = created_at - interval '91 days' WHERE id = $1", job_id)
    async with platform_unit_of_work(database, PLATFORM) as ctx:
        await housekeeping.forget_files(ctx)
    assert await superuser.fetchval("SELECT count(*) FROM core_bulk_jobs WHERE id = $1", job_id) == 0
    assert await superuser.fetchval("SELECT count(*) FROM core_bulk_items WHERE job_id = $1", job_id) == 0
