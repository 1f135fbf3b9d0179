"""The merchant's face: bringing people and balances in from another system (G8)."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.core import files
from app.core.context import Ctx
from app.core.errors import OrionException
from app.core.i18n import _
from app.core.web import streams
from app.core.web.deps import Mutation, Upload, access, idempotent, upload
from app.core.web.fields import Cursor, Line
from app.core.web.problems import documented
from app.modules.loyalty.domain.import_columns import LABELS
from app.modules.loyalty.domain.import_columns import Field as Column
from app.modules.loyalty.domain.import_plan import Choices, clean_source
from app.modules.loyalty.domain.import_problems import SENTENCES, LineNote
from app.modules.loyalty.domain.import_text import MAX_FILE_BYTES, Intake
from app.modules.loyalty.domain.import_values import safe_cell
from app.modules.loyalty.queries import imports
from app.modules.loyalty.queries.imports import ImportView
from app.modules.loyalty.schemas.imports import CheckBody, ImportAnswer, ImportList, ImportProblemAnswer, ImportProblemList
from app.modules.loyalty.services import import_service

router = APIRouter(prefix="/api/v1/merchants/loyalty/imports", tags=["Loyalty - Merchant"])
MANAGE = "loyalty.import.run"
LATEST = 20
PAGE_OF_PROBLEMS = 1_000
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string", "format": "binary", "description": "The file, at most 10 MB.", "maxLength": MAX_FILE_BYTES}
            }
        },
    }
}
TEMPLATE = (
    "email,first_name,last_name,phone,birth_date,language,points,stamps,card_number,store,marketing,marketing_at,enrolled_at,last_visit_at\r\n"
    "anna@example.lu,Anna,Weber,+352 621 123 456,1990-12-24,fr,120,3,OLD-0001,,yes,2025-01-31,2021-05-06,2026-01-15\r\n"
)


class CsvResponse(Response):
    """A table to download."""

    media_type = "text/csv"


@router.post("", summary="Upload a file", status_code=201, responses=documented(400, 413), openapi_extra=BODY)
async def upload_file(
    name: Annotated[Line, Query(description="What the file is called.")] = "import.csv",
    incoming: Upload = upload("merchant", MANAGE, limit="30/minute"),
) -> ImportAnswer:
    """Keep a CSV file for seven days: up to 10 MB and 200,000 lines, as UTF-8, UTF-16 or Windows-1252, which is found out. The body is the
    file itself, of the type `text/csv`. What cannot be a table is refused at the field `file`, and nothing of it is kept. Nothing is
    imported yet: check the file next."""
    async with incoming.unit_of_work() as ctx:
        import_id, file_id = await import_service.begin_upload(ctx, file_name=name)
    intake = Intake()
    try:
        async for part in incoming.parts(files.PART_BYTES):
            intake.feed(part)
            async with incoming.unit_of_work() as ctx:
                await files.append(ctx, file_id, part)
        async with incoming.unit_of_work() as ctx:
            return import_answer(await import_service.end_upload(ctx, import_id, intake))
    except (OrionException, HTTPException):
        async with incoming.unit_of_work() as ctx:
            await import_service.discard(ctx, import_id)
        raise


@router.get("", summary="The latest imports", responses=documented())
async def list_imports(ctx: Ctx = access("merchant", MANAGE)) -> ImportList:
    """Return the latest twenty imports, the newest first."""
    return ImportList(items=[import_answer(job) for job in await imports.list_imports(ctx, limit=LATEST)])


@router.get("/template.csv", summary="A file to fill in", responses=documented(), response_class=CsvResponse)
async def read_template(_ctx: Ctx = access("merchant", MANAGE)) -> Response:
    """Return a table with our own headers and one line as an example. E-mail address and a name are needed, the rest is not."""
    return CsvResponse(TEMPLATE, headers={"content-disposition": streams.attachment("orion-import.csv")})


@router.get("/{import_id}", summary="How an import stands", responses=documented(404))
async def read_import(import_id: uuid.UUID, ctx: Ctx = access("merchant", MANAGE)) -> ImportAnswer:
    """Return how far a check or an import is, and its counts."""
    return import_answer(await imports.get_import(ctx, import_id))


@router.post(
    "/{import_id}/check", summary="Check a file", status_code=202, response_model=ImportAnswer, responses=documented(400, 404, 409, 410)
)
async def check_import(import_id: uuid.UUID, body: CheckBody, mutation: Mutation = idempotent("merchant", MANAGE)) -> Response:
    """Look through the whole file, in the background, and count what an import with these choices would do; nothing is imported. Read the
    import to see how far it is, and its problems line by line. A file can be checked as often as wanted."""

    async def act(ctx: Ctx) -> ImportAnswer:
        job = await imports.get_import(ctx, import_id)
        preview = await import_service.read_preview(ctx, job, body.delimiter)
        choices = Choices(
            columns={field: position for field, position in body.columns.items() if position is not None},
            width=len(preview.header),
            delimiter=body.delimiter,
            date_order=body.date_order,
            store_id=body.store_id,
            source=clean_source(body.source),
            tells_people=body.tells_people,
        )
        return import_answer(await import_service.start_check(ctx, import_id, choices))

    return await mutation.run(act, status=202)


@router.post(
    "/{import_id}/run", summary="Import a file", status_code=202, response_model=ImportAnswer, responses=documented(400, 404, 409, 410)
)
async def run_import(import_id: uuid.UUID, mutation: Mutation = idempotent("merchant", MANAGE)) -> Response:
    """Import the lines that the last check found fine, in the background. New people get a card, of known people only an empty phone number
    and birthday are filled; balances are booked once per person and source, so that a repeat or a corrected file adds only what is new."""

    async def act(ctx: Ctx) -> ImportAnswer:
        return import_answer(await import_service.start_run(ctx, import_id))

    return await mutation.run(act, status=202)


@router.get("/{import_id}/problems", summary="What is wrong with which line", responses=documented(400, 404))
async def list_problems(
    import_id: uuid.UUID,
    ctx: Ctx = access("merchant", MANAGE),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ImportProblemList:
    """Return what the last check or the import found wrong, in the order of the file; the first 5,000 are kept."""
    await imports.get_import(ctx, import_id)
    page = await imports.list_problems(ctx, import_id, cursor=cursor, limit=limit)
    return ImportProblemList(items=[problem_answer(note) for note in page.items], next_cursor=page.next_cursor)


@router.get("/{import_id}/problems.csv", summary="The problems as a file", responses=documented(404), response_class=CsvResponse)
async def download_problems(request: Request, import_id: uuid.UUID, ctx: Ctx = access("merchant", MANAGE)) -> Response:
    """Return the problems of all lines as a table: line, column, what is wrong. Nothing of the lines themselves is in it."""
    await imports.get_import(ctx, import_id)
    heads = ",".join(_quoted(text) for text in (_("Line"), _("Column"), _("What is wrong")))

    async def read(work: Ctx, cursor: str) -> tuple[bytes, str | None]:
        page = await imports.list_problems(work, import_id, cursor=cursor or None, limit=PAGE_OF_PROBLEMS)
        lines = [f"{item.line},{_quoted(item.field_name)},{_quoted(item.message)}" for item in map(problem_answer, page.items)]
        return "\r\n".join([*([] if cursor else ["\ufeff" + heads]), *lines, ""]).encode(), page.next_cursor

    return streams.stream(request, ctx, "", read, name="problems.csv", media_type="text/csv")


@router.delete("/{import_id}", summary="Remove an import", status_code=204, responses=documented(404, 409))
async def remove_import(import_id: uuid.UUID, ctx: Ctx = access("merchant", MANAGE)) -> Response:
    """Remove an import's file and what was noted of it; what was imported stays. Refused while it is being checked or imported."""
    await import_service.discard(ctx, import_id)
    return Response(status_code=204)


def import_answer(job: ImportView) -> ImportAnswer:
    """Return an import as the API shows it."""
    return ImportAnswer(
        id=job.id,
        status=job.status,
        file_name=job.file_name,
        encoding=job.encoding,
        size_bytes=job.size_bytes,
        lines=job.lines,
        counts=dict(job.counts),
        error=job.error,
        has_file=job.file_id is not None,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )


def problem_answer(note: LineNote) -> ImportProblemAnswer:
    """Return what is wrong with a line, in the current language."""
    return ImportProblemAnswer(
        line=note.line,
        field=note.field,
        field_name=_(LABELS[Column(note.field)]) if note.field else "",
        problem=note.problem,
        is_harmless=note.problem.is_harmless,
        message=_(SENTENCES[note.problem]),
    )


def _quoted(text: str) -> str:
    return '"' + safe_cell(text).replace('"', '""') + '"'
