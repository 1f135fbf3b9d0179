"""Long work that a person asks for, item by item: queued in the request, done by a batch task, its results kept (G5, G8).

A job is a row with its items; a task of the module that owns the kind calls `run`, which does 500 items in a transaction
together with their outcomes and the progress (app/core/runs.py): whoever is killed leaves no item half done, none is done twice,
and whoever goes on begins behind the last that is done. A payload is forgotten as soon as its item has an outcome, and
when the person whom it names is erased.
"""

import collections
import contextlib
import dataclasses
import datetime as dt
import functools
import json
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from app.core.context import SYSTEM, Actor, Ctx, Principal
from app.core.errors import N_, NotFound, reason_of
from app.core.ids import new_id
from app.core.jobs import JobRun
from app.core.pagination import Page, page_of, parse_instant, read_cursor
from app.core.runs import Step, Turn, run_in_chunks

CHUNK = 500
"""Items that are done in one transaction."""
LISTED_TWICE = "listed_twice"
"""Why an item whose key stands further up in the same list is left alone."""
REASON = "reason"
"""The one parameter that a person may word: it is in the audit log for good, and forgotten here as soon as the job is done."""

State = Literal["queued", "running", "done", "failed"]
WorkState = State | Literal["waits", "stopped"]
Result = Literal["ok", "not_found", "conflict", "error"]
RESULTS: tuple[Result, ...] = ("ok", "not_found", "conflict", "error")
NewItem = tuple[str, Mapping[str, Any] | None]
"""An item's key, which says in the results what it was, and what the work needs to know beside it."""

ADD_JOB = """
INSERT INTO core_bulk_jobs (merchant_id, id, kind, params, total, requested_by_user_id, acting_admin_id, locale, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
ADD_ITEMS = """
INSERT INTO core_bulk_items (merchant_id, job_id, position, key, payload, outcome, reason)
SELECT $1, $2, $3 + i.number, i.key, i.payload, i.outcome, CASE WHEN i.outcome IS NOT NULL THEN $7 END
FROM unnest($4::text[], $5::jsonb[], $6::text[]) WITH ORDINALITY AS i (key, payload, outcome, number)
"""
COUNT_IN = "UPDATE core_bulk_jobs SET total = total + $3 WHERE merchant_id = $1 AND id = $2 RETURNING total"
JOB = """
SELECT id, kind, state, params, total, counts, requested_by_user_id, acting_admin_id, locale, created_at, finished_at, error
FROM core_bulk_jobs WHERE merchant_id = $1
"""
FIND_JOB = f"{JOB} AND id = $2"
LIST_JOBS = f"{JOB} AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4"
LIST_ITEMS = """
SELECT position, key, payload, outcome, reason FROM core_bulk_items
WHERE merchant_id = $1 AND job_id = $2 AND position > $3 ORDER BY position LIMIT $4
"""
LIST_ITEMS_OF_OUTCOME = """
SELECT position, key, payload, outcome, reason FROM core_bulk_items
WHERE merchant_id = $1 AND job_id = $2 AND outcome = $5 AND position > $3 ORDER BY position LIMIT $4
"""
NOTE_OUTCOMES = """
UPDATE core_bulk_items SET outcome = o.outcome, reason = o.reason, payload = NULL
FROM unnest($3::integer[], $4::text[], $5::text[]) AS o (position, outcome, reason)
WHERE merchant_id = $1 AND job_id = $2 AND core_bulk_items.position = o.position
"""
FORGET = """
UPDATE core_bulk_items i SET payload = NULL, outcome = 'not_found' FROM core_bulk_jobs j
WHERE i.merchant_id = $1 AND j.merchant_id = $1 AND j.id = i.job_id AND j.state <> 'done' AND i.outcome IS NULL
  AND (i.key = ANY($2::text[]) OR EXISTS (SELECT FROM unnest($2::text[]) word WHERE strpos(i.payload::text, word) > 0))
"""
NOTE_PROGRESS = """
UPDATE core_bulk_jobs SET state = $3, counts = $4, error = NULL, finished_at = CASE WHEN $3 = 'done' THEN $5::timestamptz END,
    params = CASE WHEN $3 = 'done' THEN params - $6 ELSE params END
WHERE merchant_id = $1 AND id = $2
"""
NOTE_FAILURE = "UPDATE core_bulk_jobs SET state = 'failed', error = $3 WHERE merchant_id = $1 AND id = $2 AND state <> 'done'"


class BulkJobNotFoundException(NotFound):
    """The merchant has no such job."""


@dataclasses.dataclass(frozen=True, slots=True)
class BulkKind:
    """A kind of job as people see it; all texts are msgids.

    `title` names the work, `reasons` says in a sentence what each code of an outcome means, `sums` what each of the kind's own
    sums counts. `labels` is the import path of `async def (ctx: Ctx, keys: Sequence[str]) -> Mapping[str, Label]`, which says
    what the items are called; without it, keys are shown.
    """

    kind: str
    title: str
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: str | None = None
    sums: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """What an item is called, and its page when it has one."""

    text: str
    href: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ListedWork:
    """Long work as the list of all of it shows it: a job, or what a module keeps in tables of its own.

    `title` is a msgid, `note` says which it is (a file's name). "waits" is work that goes on when somebody says so.
    """

    id: uuid.UUID
    created_at: dt.datetime
    title: str
    href: str
    state: WorkState
    done: int
    total: int
    requested_by_user_id: uuid.UUID | None
    acting_admin_id: uuid.UUID | None = None
    note: str = ""


COMMON_REASONS: Mapping[str, str] = {LISTED_TWICE: N_("It stands twice in the list; it was done once.")}


@dataclasses.dataclass(frozen=True, slots=True)
class BulkJob:
    """A job. `counts` are items by result and the kind's own sums; `total` grows while a job still gathers its items."""

    id: uuid.UUID
    kind: str
    state: State
    params: Mapping[str, Any]
    total: int
    counts: Mapping[str, int]
    requested_by_user_id: uuid.UUID | None
    acting_admin_id: uuid.UUID | None
    locale: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    error: str | None

    @property
    def done(self) -> int:
        """How many items have an outcome."""
        return sum(self.counts.get(result, 0) for result in RESULTS)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself; a job that failed is tried again."""
        return self.state == "done"


@dataclasses.dataclass(frozen=True, slots=True)
class BulkItem:
    """One thing to do, and how it went."""

    position: int
    key: str
    payload: Mapping[str, Any] | None
    outcome: Result | None
    reason: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How an item went: why not, as a code, and what it adds to the job's own sums (`{"points": 50}`)."""

    result: Result
    reason: str | None = None
    adds: Mapping[str, int] = dataclasses.field(default_factory=dict)


OK = Outcome("ok")
Work = Callable[[Ctx, BulkJob, Sequence[BulkItem]], Awaitable[Sequence[Outcome]]]
"""Does up to 500 items in one unit of work, as whoever asked for the job; returns an outcome for each, in their order."""
Fill = Callable[[Ctx, BulkJob, str | None], Awaitable[Sequence[NewItem]]]
"""Returns the next items of a job that gathers them itself, those behind the key of the last one; none when there are no more."""


async def start(ctx: Ctx, kind: str, *, task: str, params: Mapping[str, Any], items: Sequence[NewItem] = ()) -> uuid.UUID:
    """Add a job of `items` and run the batch task `task` with its `job_id` after the commit; return the job's id.

    `params` are ids, numbers and codes and are kept, but for `REASON`; personal data belongs into the payloads. Of items with one
    key the first is done, the others are refused as listed twice.
    """
    job_id, actor = new_id(), ctx.actor
    values = (kind, json.dumps(params, default=str), 0, actor.user_id, actor.acting_admin_id, ctx.locale, ctx.now)
    await ctx.conn.execute(ADD_JOB, ctx.merchant_id, job_id, *values)
    await add_items(ctx, job_id, items)
    ctx.enqueue(task, job_id=job_id)
    return job_id


async def add_items(ctx: Ctx, job_id: uuid.UUID, items: Sequence[NewItem]) -> None:
    """Add `items` behind those that the job has."""
    if not items:
        return
    total = await ctx.conn.fetchval(COUNT_IN, ctx.merchant_id, job_id, len(items))
    seen: set[str] = set()
    refused: list[Result | None] = []
    for key, _ in items:
        refused.append("conflict" if key in seen else None)
        seen.add(key)
    payloads = [None if payload is None else json.dumps(payload, default=str) for _, payload in items]
    keys = [key for key, _ in items]
    await ctx.conn.execute(ADD_ITEMS, ctx.merchant_id, job_id, total - len(items), keys, payloads, refused, LISTED_TWICE)


async def read(ctx: Ctx, job_id: uuid.UUID) -> BulkJob:
    """Return the merchant's job; BulkJobNotFoundException when there is none."""
    row = await ctx.conn.fetchrow(FIND_JOB, ctx.merchant_id, job_id)
    if row is None:
        raise BulkJobNotFoundException
    return BulkJob(**dict(row))


async def list_jobs(ctx: Ctx, *, cursor: str | None, limit: int) -> Page[BulkJob]:
    """Return the merchant's jobs, the latest first."""
    return page_by_age(await list_jobs_before(ctx, *read_age(ctx, cursor), limit + 1), limit)


async def list_jobs_before(ctx: Ctx, at: dt.datetime, job_id: uuid.UUID, limit: int) -> list[BulkJob]:
    """Return up to `limit` jobs that were asked for before `at`, or then with a lower id, the latest first."""
    return [BulkJob(**dict(row)) for row in await ctx.conn.fetch(LIST_JOBS, ctx.merchant_id, at, job_id, limit)]


def read_age(ctx: Ctx, cursor: str | None) -> tuple[dt.datetime, uuid.UUID]:
    """Return before which instant and id a page of long work begins. BadCursor."""
    if cursor is None:
        return ctx.now + dt.timedelta(days=1), uuid.UUID(int=2**128 - 1)
    at, work_id = read_cursor(cursor, parse_instant, uuid.UUID)
    return at, work_id


Aged = TypeVar("Aged", BulkJob, ListedWork)


def page_by_age(found: Sequence[Aged], limit: int) -> Page[Aged]:
    """Return a page from up to `limit` + 1 things, the latest first."""
    return page_of(found, limit, lambda work: (work.created_at.isoformat(), str(work.id)))


async def list_items(
    ctx: Ctx, job_id: uuid.UUID, *, outcome: Result | None = None, cursor: str | None = None, limit: int
) -> Page[BulkItem]:
    """Return the job's items in the order in which they were given, all or those of one outcome."""
    after = read_cursor(cursor, int)[0] if cursor else 0
    return page_of(await list_items_after(ctx, job_id, after, outcome=outcome, limit=limit + 1), limit, lambda item: (item.position,))


async def list_items_after(ctx: Ctx, job_id: uuid.UUID, position: int, *, outcome: Result | None = None, limit: int) -> list[BulkItem]:
    """Return up to `limit` items behind `position`."""
    statement, chosen = (LIST_ITEMS, ()) if outcome is None else (LIST_ITEMS_OF_OUTCOME, (outcome,))
    return [BulkItem(**dict(row)) for row in await ctx.conn.fetch(statement, ctx.merchant_id, job_id, position, limit, *chosen)]


async def forget(ctx: Ctx, words: Sequence[str]) -> int:
    """Empty the items, not done yet, that are about or name any of `words` (ids, numbers, an address); return how many.

    When somebody is erased: for their items there is nobody any more.
    """
    status: str = await ctx.conn.execute(FORGET, ctx.merchant_id, list(words))
    return int(status.rpartition(" ")[2])


async def run(turn: Turn, job_id: uuid.UUID, work: Work, *, fill: Fill | None = None) -> bool:
    """Do the job's items in chunks, as far as the turn allows; return whether the job is done.

    With `fill` the job first gathers its items, in chunks too, so that what it does is settled before the first is done.
    An error leaves the job failed, the chunks before it done, and is raised: trying again is the task's business.
    """
    running = _Running(job_id, work, fill)
    try:
        return (await run_in_chunks(turn, running.name, running.step)).ending.is_done
    except Exception as error:
        with contextlib.suppress(Exception):  # the first error is the one to tell
            async with turn.unit_of_work() as ctx:
                await ctx.conn.execute(NOTE_FAILURE, ctx.merchant_id, job_id, reason_of(error))
        raise


class _Running:
    """One turn of a job. Its cursor holds the key up to which items are gathered, then the position up to which they are done."""

    def __init__(self, job_id: uuid.UUID, work: Work, fill: Fill | None) -> None:
        self._job_id, self._work, self._fill = job_id, work, fill

    async def name(self, ctx: Ctx) -> tuple[str, str]:
        return (await read(ctx, self._job_id)).kind, str(self._job_id)

    async def step(self, ctx: Ctx, run: JobRun) -> Step:
        job = await read(ctx, self._job_id)
        after = run.cursor.get("after", 0 if self._fill is None else None)
        if after is None and self._fill is not None:
            return await self._gather(ctx, job, run.cursor.get("gathered"), self._fill)
        items = await list_items_after(ctx, job.id, after, limit=CHUNK)
        added = await self._do(ctx, job, items)
        is_last = len(items) < CHUNK
        counts = collections.Counter(run.counts) + added
        await self._note(ctx, "done" if is_last else "running", counts)
        return Step(None if is_last else {"after": items[-1].position}, added)

    async def _gather(self, ctx: Ctx, job: BulkJob, after_key: str | None, fill: Fill) -> Step:
        items = await fill(as_requested(ctx, job), job, after_key)
        await add_items(ctx, job.id, items)
        await self._note(ctx, "running", {})
        return Step({"gathered": items[-1][0]} if items else {"after": 0})

    async def _do(self, ctx: Ctx, job: BulkJob, items: Sequence[BulkItem]) -> collections.Counter[str]:
        """Do the items that are not decided yet, note their outcomes, and return what all of them add to the counts."""
        counts = collections.Counter(item.outcome for item in items if item.outcome is not None)
        added: collections.Counter[str] = collections.Counter({str(result): count for result, count in counts.items()})
        todo = [item for item in items if item.outcome is None]
        if not todo:
            return added
        outcomes = await self._work(as_requested(ctx, job), job, todo)
        rows = [(item.position, outcome.result, outcome.reason) for item, outcome in zip(todo, outcomes, strict=True)]
        await ctx.conn.execute(NOTE_OUTCOMES, ctx.merchant_id, job.id, *(list(column) for column in zip(*rows, strict=True)))
        for outcome in outcomes:
            added.update({outcome.result: 1, **outcome.adds})
        return added

    async def _note(self, ctx: Ctx, state: State, counts: Mapping[str, int]) -> None:
        await ctx.conn.execute(NOTE_PROGRESS, ctx.merchant_id, self._job_id, state, json.dumps(counts), ctx.now, REASON)


class Requested(Protocol):
    """Work that somebody asked for."""

    @property
    def requested_by_user_id(self) -> uuid.UUID | None:
        """Who asked."""

    @property
    def acting_admin_id(self) -> uuid.UUID | None:
        """The platform's admin who asked for them."""

    @property
    def locale(self) -> str:
        """The language in which they asked."""


def as_requested(ctx: Ctx, job: Requested) -> Ctx:
    """Return the context of whoever asked for the job, within the same transaction: what is booked and noted names them."""
    actor = Actor(kind="user", role="owner", user_id=job.requested_by_user_id, acting_admin_id=job.acting_admin_id)
    return ctx.acting_for(Principal(actor if job.requested_by_user_id else SYSTEM, locale=job.locale), request_id=ctx.request_id)


_kinds: dict[str, BulkKind] = {}
_listers: dict[str, None] = {}


def register(kinds: Sequence[BulkKind], lister: str | None = None) -> None:
    """Make kinds of jobs known to the pages that show them, and the import path of what lists a module's other long work:
    `async def (ctx: Ctx, at: datetime, id: UUID, limit: int) -> Sequence[ListedWork]`, in the manner of `list_jobs_before`.
    """
    _kinds.update({kind.kind: kind for kind in kinds})
    if lister is not None:
        _listers[lister] = None


def listers() -> Collection[str]:
    """Return the import paths of what lists long work beside the jobs."""
    return _listers.keys()


@functools.lru_cache(maxsize=1)
def _unknown() -> BulkKind:
    return BulkKind("", N_("Job"))


def kind_of(job: BulkJob) -> BulkKind:
    """Return how to call a job; one of a kind that is gone is just a job."""
    return _kinds.get(job.kind) or _unknown()
