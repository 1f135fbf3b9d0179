"""Import and export: a file goes in, is looked through, and becomes people and cards; what there is goes out as a file (G8)."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.errors import N_
from app.core.i18n import _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.modules.loyalty.domain.enums import ImportStatus
from app.modules.loyalty.domain.import_columns import LABELS
from app.modules.loyalty.domain.import_columns import Field as Column
from app.modules.loyalty.domain.import_plan import MOST_NOTES
from app.modules.loyalty.domain.import_problems import SENTENCES, ImportFileException, ImportFileGoneException
from app.modules.loyalty.domain.import_text import Delimiter, Encoding
from app.modules.loyalty.domain.import_values import DateOrder
from app.modules.loyalty.queries import imports, programs
from app.modules.loyalty.queries.imports import ImportView
from app.modules.loyalty.routes.pages._merchant.panel import open_stores, options, show
from app.modules.loyalty.services import import_service
from app.modules.loyalty.services.import_service import Preview

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
IMPORT: Any = access("merchant", "loyalty.import.run")
EXPORT: Any = access("merchant", "loyalty.export.read")
LATEST = 20
PAGE = 25
Divider = Annotated[Delimiter | None, Query(description="What divides the cells, when it is not what we took it for.")]
Place = Annotated[Cursor | None, Query()]

STATUS_NAMES = {
    ImportStatus.UPLOADED: N_("Uploaded"),
    ImportStatus.CHECKING: N_("Being checked"),
    ImportStatus.CHECKED: N_("Checked"),
    ImportStatus.RUNNING: N_("Being imported"),
    ImportStatus.DONE: N_("Imported"),
    ImportStatus.FAILED: N_("Failed"),
}
STATUS_KINDS = {
    ImportStatus.UPLOADED: "neutral", ImportStatus.CHECKING: "info", ImportStatus.CHECKED: "accent", ImportStatus.RUNNING: "info",
    ImportStatus.DONE: "success", ImportStatus.FAILED: "danger",
}  # fmt: skip
ENCODINGS = {
    Encoding.UTF_8: "UTF-8", Encoding.UTF_16_LE: "UTF-16", Encoding.UTF_16_BE: "UTF-16", Encoding.WINDOWS_1252: "Windows-1252",
}  # fmt: skip
DELIMITERS = ((Delimiter.COMMA, N_("Comma")), (Delimiter.SEMICOLON, N_("Semicolon")), (Delimiter.TAB, N_("Tab")))
DATE_ORDERS = ((DateOrder.DAY_FIRST, N_("Day first: 24/12/1990")), (DateOrder.MONTH_FIRST, N_("Month first: 12/24/1990")))
NEEDED = (Column.EMAIL,)


@router.get("/import", summary="Import from another system")
async def start(request: Request, ctx: Ctx = IMPORT) -> Response:
    """Show where to put a file, and the latest imports."""
    jobs = await imports.list_imports(ctx, limit=LATEST)
    has_program = await programs.find_program(ctx) is not None
    return await show(request, ctx, "import", jobs=jobs, has_program=has_program, status_names=STATUS_NAMES, status_kinds=STATUS_KINDS)


@router.get("/import/{import_id}", summary="An import")
async def read(request: Request, import_id: uuid.UUID, ctx: Ctx = IMPORT, delimiter: Divider = None, cursor: Place = None) -> Response:
    """Show what an import waits for: choices, a yes, patience; and what is wrong with which line."""
    job = await imports.get_import(ctx, import_id)
    preview = await _preview(ctx, job, delimiter)
    problems = await imports.list_problems(ctx, import_id, cursor=cursor, limit=PAGE)
    is_over = job.status in (ImportStatus.CHECKED, ImportStatus.DONE, ImportStatus.FAILED)
    return await show(
        request,
        ctx,
        "import-job",
        job=job,
        preview=preview,
        choice=_chosen(job, preview) if preview else None,
        fields=[(field, _(label), field in NEEDED) for field, label in LABELS.items()],
        column_options=_column_options(preview) if preview else [],
        delimiters=[(item.value, _(name)) for item, name in DELIMITERS],
        date_orders=[(item.value, _(name)) for item, name in DATE_ORDERS],
        encoding=ENCODINGS.get(job.encoding or Encoding.UTF_8),
        stores=options(await open_stores(ctx)),
        problems=[(note, _(LABELS[Column(note.field)]) if note.field else "", _(SENTENCES[note.problem])) for note in problems.items]
        if is_over
        else [],
        next_cursor=problems.next_cursor,
        is_first=cursor is None,
        most_problems=MOST_NOTES,
        status_names=STATUS_NAMES,
        status_kinds=STATUS_KINDS,
    )


async def _preview(ctx: Ctx, job: ImportView, delimiter: Delimiter | None) -> Preview | None:
    """Return how the file begins while choices can be made, None without a file."""
    if not job.status.is_waiting:
        return None
    chosen = delimiter or (job.choices.delimiter if job.choices else None)
    try:
        return await import_service.read_preview(ctx, job, chosen)
    except (ImportFileGoneException, ImportFileException):
        return None


def _chosen(job: ImportView, preview: Preview) -> dict[str, Any]:
    """Return what the form shows: what was chosen before for the same columns, else what we guess."""
    made = job.choices
    is_same = made is not None and made.delimiter is preview.delimiter and made.width == len(preview.header)
    return {
        "columns": made.columns if made is not None and is_same else preview.columns,
        "date_order": (made.date_order if made is not None and is_same else preview.date_order).value,
        "store_id": str(made.store_id) if made else "",
        "source": made.source if made else "",
        "tells_people": made.tells_people if made else False,
    }


def _column_options(preview: Preview) -> list[tuple[str, str]]:
    """Return the file's columns as choices: their names and their first cells."""
    named = [
        (name or _("Column %(number)s", number=position + 1), preview.samples[position]) for position, name in enumerate(preview.header)
    ]
    return [("", _("Not in the file")), *((str(position), " – ".join((name, *cells[:1]))) for position, (name, cells) in enumerate(named))]


@router.get("/export", summary="Export")
async def export(request: Request, ctx: Ctx = EXPORT) -> Response:
    """Show what can be taken along as a file."""
    return await show(request, ctx, "export", stores=options(await open_stores(ctx)))
