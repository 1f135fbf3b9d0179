"""Imports from other systems (G8), from the upload to the last line: what was chosen, the check, the run, the file's removal."""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from app.core import audit, bulk, files
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.jobs import JobRun
from app.core.runs import Step, Turn, run_in_chunks
from app.modules.loyalty.domain.enums import ImportStatus
from app.modules.loyalty.domain.import_columns import Field, guess_columns
from app.modules.loyalty.domain.import_plan import COUNTS, MOST_NOTES, Choices
from app.modules.loyalty.domain.import_problems import (
    ImportBusyException,
    ImportFileException,
    ImportFileGoneException,
    ImportFileProblem,
    ImportNotCheckedException,
    LineNote,
)
from app.modules.loyalty.domain.import_text import MAX_COLUMNS, Delimiter, Encoding, Intake, Record, RecordReader, guess_delimiter
from app.modules.loyalty.domain.import_values import DateOrder, Reading, guess_date_order, plain_cell
from app.modules.loyalty.queries import imports, programs
from app.modules.loyalty.queries.imports import ImportView
from app.modules.loyalty.services.import_chunk import Findings, Setting, check_chunk, import_chunk
from app.modules.loyalty.services.import_reader import ImportReader, read_start
from app.modules.tenancy import public as tenancy

KEPT_FOR = dt.timedelta(days=7)
MEDIA_TYPE = "text/csv"
CHECK_TASK, RUN_TASK = "loyalty.check_import", "loyalty.run_import"
SAMPLES = 3
SAMPLE_LENGTH = 60

# A worker plans each statement once per connection, often while the tables are still empty: it would then read the full ones as a
# whole for each chunk. Planned anew, a statement knows how large they have become.
PLAN_AFRESH = "DISCARD PLANS"
INSERT = """
INSERT INTO loyalty_imports (merchant_id, id, status, file_name, file_id, user_id, acting_admin_id, created_at, updated_at)
VALUES ($1, $2, 'uploading', $3, $4, $5, $6, $7, $7)
"""
UPLOADED = """
UPDATE loyalty_imports SET status = 'uploaded', encoding = $3, size_bytes = $4, lines = $5, updated_at = $6
WHERE merchant_id = $1 AND id = $2 AND status = 'uploading'
"""
BEGIN_CHECK = f"""
UPDATE loyalty_imports SET status = 'checking', choices = $3, attempt = attempt + 1, counts = '{{}}', error = NULL, updated_at = $4
WHERE merchant_id = $1 AND id = $2 AND status IN ('uploaded', 'checked', 'failed') RETURNING {imports.COLUMNS}
"""
BEGIN_RUN = f"""
UPDATE loyalty_imports SET status = 'running', counts = '{{}}', error = NULL, updated_at = $3, user_id = $4, acting_admin_id = $5
WHERE merchant_id = $1 AND id = $2 AND status = 'checked' AND (counts->>'fine')::int > 0 RETURNING {imports.COLUMNS}
"""
PROGRESS = """
UPDATE loyalty_imports SET counts = $3, status = $4, updated_at = $5, finished_at = CASE WHEN $4 = 'done' THEN $5::timestamptz END,
    file_id = CASE WHEN $4 = 'done' THEN NULL ELSE file_id END
WHERE merchant_id = $1 AND id = $2
"""
FAIL = "UPDATE loyalty_imports SET status = 'failed', error = $3, updated_at = $4 WHERE merchant_id = $1 AND id = $2 AND status <> 'done'"
FORGET_NOTES = "DELETE FROM loyalty_import_problems WHERE merchant_id = $1 AND import_id = $2"
ADD_NOTES = """
INSERT INTO loyalty_import_problems (merchant_id, import_id, id, line, field, problem)
SELECT $1, $2, n.* FROM unnest($3::uuid[], $4::int[], $5::text[], $6::text[]) AS n (id, line, field, problem)
"""
FORGET_BROKEN_OFF = "DELETE FROM loyalty_imports WHERE merchant_id = $1 AND status = 'uploading' AND created_at < $2"
DELETE = "DELETE FROM loyalty_imports WHERE merchant_id = $1 AND id = $2"


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """How a file begins: its header, a few cells of each column, and what we take it for."""

    header: Sequence[str]
    samples: Sequence[Sequence[str]]
    delimiter: Delimiter
    columns: Mapping[Field, int]
    date_order: DateOrder


async def begin_upload(ctx: Ctx, *, file_name: str) -> tuple[uuid.UUID, uuid.UUID]:
    """Make room for a file that is about to arrive; return the ids of the import and of the file, which is kept for seven days."""
    await ctx.conn.execute(FORGET_BROKEN_OFF, ctx.merchant_id, ctx.now - KEPT_FOR)
    import_id = new_id()
    file_id = await files.create(ctx, name=file_name, media_type=MEDIA_TYPE, lasts=KEPT_FOR)
    actor = ctx.actor
    await ctx.conn.execute(INSERT, ctx.merchant_id, import_id, file_name, file_id, actor.user_id, actor.acting_admin_id, ctx.now)
    return import_id, file_id


async def end_upload(ctx: Ctx, import_id: uuid.UUID, intake: Intake) -> ImportView:
    """Note that all of the file has arrived, and in which encoding; ImportFileException when there is no table in it."""
    encoding = intake.finish()
    await ctx.conn.execute(UPLOADED, ctx.merchant_id, import_id, encoding.value, intake.size, intake.breaks, ctx.now)
    job = await imports.get_import(ctx, import_id)
    await read_preview(ctx, job)  # refuses what has no header or too many columns
    await audit.record(ctx, "loyalty.import.uploaded", "import", import_id, bytes=intake.size)
    return job


async def discard(ctx: Ctx, import_id: uuid.UUID) -> None:
    """Remove an import that is not under way, with its file; one that is done is forgotten, what it brought stays."""
    job = await imports.get_import(ctx, import_id)
    if job.status in (ImportStatus.CHECKING, ImportStatus.RUNNING):
        raise ImportBusyException
    if job.file_id is not None:
        await files.delete(ctx, job.file_id)
    await ctx.conn.execute(DELETE, ctx.merchant_id, import_id)
    await audit.record(ctx, "loyalty.import.removed", "import", import_id)


async def read_preview(ctx: Ctx, job: ImportView, delimiter: Delimiter | None = None) -> Preview:
    """Return how the file begins, divided by `delimiter` or by what we take for it. ImportFileGoneException, ImportFileException."""
    encoding = job.encoding or Encoding.UTF_8
    start = await read_start(ctx, job, encoding)
    chosen = delimiter or guess_delimiter(start[: len(start) // 2 * 2].decode(encoding.value, "replace").lstrip("\ufeff"))
    records = _first_records(start, encoding, chosen, is_whole=job.size_bytes <= len(start))
    rows = [record.cells for record in records if record.cells is not None]
    if not rows:
        raise ImportFileException(ImportFileProblem.NO_TABLE)
    header = [plain_cell(cell) for cell in rows[0]]
    if len(header) > MAX_COLUMNS:
        raise ImportFileException(ImportFileProblem.TOO_MANY_COLUMNS, maximum=MAX_COLUMNS)
    if len(rows) < 2:
        raise ImportFileException(ImportFileProblem.ONLY_HEADER)
    columns = guess_columns(header)
    dates = [columns[field] for field in (Field.BIRTH_DATE, Field.MARKETING_AT, Field.ENROLLED_AT, Field.LAST_VISIT_AT) if field in columns]
    order = guess_date_order(row[position] for row in rows[1:] for position in dates if position < len(row))
    samples = [_samples(rows[1:], position) for position in range(len(header))]
    return Preview(header, samples, chosen, columns, order)


def _first_records(start: bytes, encoding: Encoding, delimiter: Delimiter, *, is_whole: bool) -> list[Record]:
    return list(RecordReader(encoding, delimiter).feed(start, is_last=is_whole))


def _samples(rows: Sequence[Sequence[str]], position: int) -> list[str]:
    cells = (plain_cell(row[position])[:SAMPLE_LENGTH] for row in rows if position < len(row))
    return [cell for cell, _ in zip((cell for cell in cells if cell), range(SAMPLES), strict=False)]


async def start_check(ctx: Ctx, import_id: uuid.UUID, choices: Choices) -> ImportView:
    """Look through the whole file with these choices, in the background; nothing is imported.

    Raises ImportMappingException, StoreNotFoundException, ProgramNotFoundException, ImportBusyException, ImportFileGoneException.
    """
    choices.require_possible()
    job = await imports.get_import(ctx, import_id)
    if not job.status.is_waiting:
        raise ImportBusyException
    await programs.get_program(ctx)
    if choices.store_id not in {store.id for store in await tenancy.list_stores(ctx)}:
        raise tenancy.StoreNotFoundException
    await read_start(ctx, job, job.encoding or Encoding.UTF_8)
    stored = json.dumps(choices.as_json() | {"locale": ctx.locale})
    row = await ctx.conn.fetchrow(BEGIN_CHECK, ctx.merchant_id, import_id, stored, ctx.now)
    if row is None:
        raise ImportBusyException
    ctx.enqueue(CHECK_TASK, import_id=import_id)
    return imports.import_view(row)


async def start_run(ctx: Ctx, import_id: uuid.UUID) -> ImportView:
    """Import the file as it was checked, in the background. Raises ImportBusyException, ImportNotCheckedException."""
    job = await imports.get_import(ctx, import_id)
    if job.status in (ImportStatus.RUNNING, ImportStatus.DONE, ImportStatus.CHECKING):
        raise ImportBusyException
    actor = ctx.actor
    row = await ctx.conn.fetchrow(BEGIN_RUN, ctx.merchant_id, import_id, ctx.now, actor.user_id, actor.acting_admin_id)
    if row is None:
        raise ImportNotCheckedException
    await read_start(ctx, job, job.encoding or Encoding.UTF_8)
    ctx.enqueue(RUN_TASK, import_id=import_id)
    source = job.choices.source if job.choices else ""
    await audit.record(ctx, "loyalty.import.started", "import", import_id, source=source, lines=job.counts.get("fine", 0))
    return imports.import_view(row)


async def work_on(turn: Turn, import_id: uuid.UUID, *, is_check: bool) -> bool:
    """Look through the file, or import it, as far as the turn allows; return whether that is over.

    Whoever is killed leaves whole chunks; the next one reads up to there and goes on. A file that is gone ends it as failed.
    """
    working = _Working(import_id, is_check=is_check)
    try:
        return (await run_in_chunks(turn, working.name, working.step)).ending.is_done
    except (ImportFileGoneException, ImportFileException) as error:
        async with turn.unit_of_work() as ctx:
            await ctx.conn.execute(FAIL, ctx.merchant_id, import_id, error.error_code, ctx.now)
        return True


class _Working:
    """One turn of a check or an import; the cursor holds the line up to which all is done."""

    def __init__(self, import_id: uuid.UUID, *, is_check: bool) -> None:
        self._import_id, self._is_check = import_id, is_check
        self._reader: ImportReader | None = None
        self._setting: Setting | None = None

    async def name(self, ctx: Ctx) -> tuple[str, str]:
        job = await imports.get_import(ctx, self._import_id)
        return (CHECK_TASK, f"{job.id}:{job.attempt}") if self._is_check else (RUN_TASK, str(job.id))

    async def step(self, ctx: Ctx, run: JobRun) -> Step:
        job = await imports.get_import(ctx, self._import_id)
        if job.status is not (ImportStatus.CHECKING if self._is_check else ImportStatus.RUNNING):
            return Step(None)
        done = int(run.cursor.get("line", 0))
        if self._reader is None or self._setting is None:
            self._setting, reading = await read_setting(ctx, job)
            self._reader = ImportReader(job, self._setting, reading)
            if done:
                await self._reader.skip(ctx, done)
            else:
                await ctx.conn.execute(FORGET_NOTES, ctx.merchant_id, job.id)
        await ctx.conn.execute(PLAN_AFRESH)
        findings = Findings.nothing()
        candidates, last = await self._reader.read_chunk(ctx, findings)
        act = check_chunk if self._is_check else import_chunk
        await act(bulk.as_requested(ctx, job), self._setting, candidates, findings)
        await self._note(ctx, job, run, findings, last)
        return Step(None if last is None else {"line": last}, findings.counts)

    async def _note(self, ctx: Ctx, job: ImportView, run: JobRun, findings: Findings, last: int | None) -> None:
        """Keep what is wrong with lines, as far as there is room, and how far we are."""
        room = max(0, MOST_NOTES - run.counts.get("notes", 0))
        await _add_notes(ctx, job.id, findings.notes[:room])
        findings.counts["notes"] += len(findings.notes)
        counts = {name: run.counts.get(name, 0) + findings.counts[name] for name in (*COUNTS, "notes")}
        status = ImportStatus.CHECKING if self._is_check else ImportStatus.RUNNING
        if last is None:
            status = ImportStatus.CHECKED if self._is_check else ImportStatus.DONE
        await ctx.conn.execute(PROGRESS, ctx.merchant_id, job.id, json.dumps(counts), status.value, ctx.now)
        if status is ImportStatus.DONE:
            if job.file_id is not None:
                await files.delete(ctx, job.file_id)
            await audit.record(bulk.as_requested(ctx, job), "loyalty.import.done", "import", job.id, counts=counts)


async def _add_notes(ctx: Ctx, import_id: uuid.UUID, notes: Sequence[LineNote]) -> None:
    if notes:
        rows: list[tuple[Any, ...]] = [(new_id(), note.line, note.field, note.problem.value) for note in notes]
        await ctx.conn.execute(ADD_NOTES, ctx.merchant_id, import_id, *(list(column) for column in zip(*rows, strict=True)))


async def read_setting(ctx: Ctx, job: ImportView) -> tuple[Setting, Reading]:
    """Return what all chunks share, as it is at this moment, and how cells are read."""
    choices = job.choices
    if choices is None:
        raise ImportNotCheckedException
    program = await programs.get_program(ctx)
    zone = await tenancy.merchant_zone(ctx)
    stores = await tenancy.list_stores(ctx)
    setting = Setting(
        choices=choices,
        program=program,
        rules=programs.rules_of(program, zone),
        is_cross_location=(await programs.get_settings(ctx)).allow_cross_location_redemption,
        stores={store.name.casefold(): store.id for store in stores} | {store.code.casefold(): store.id for store in stores},
        zone=zone,
        locale=(await tenancy.get_merchant(ctx)).locale,
    )
    reading = Reading(columns=choices.columns, width=choices.width, date_order=choices.date_order, zone=zone, now=ctx.now)
    return setting, reading
