"""The merchant's face: taking cards, transactions and customers along as CSV files (G8)."""

import dataclasses
import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web import streams
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.loyalty.queries.exports import Place
from app.modules.loyalty.routes.api._merchant.imports import CsvResponse
from app.modules.loyalty.services import export_service
from app.modules.loyalty.services.export_service import START, ExportKind

router = APIRouter(prefix="/api/v1/merchants/loyalty/exports", tags=["Loyalty - Merchant"])
READ = "loyalty.export.read"
LIMIT = "30/minute"


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """What is to be in a file, and how it is written."""

    since: Annotated[dt.date | None, Query(description="First local day; without, from the beginning.")] = None
    until: Annotated[dt.date | None, Query(description="Last local day, included; without, until now.")] = None
    store_id: Annotated[uuid.UUID | None, Query(description="Only of this store.")] = None
    excel: Annotated[bool, Query(description="For a spreadsheet: semicolons, and a mark that says UTF-8.")] = False


Chosen = Annotated[Choice, Depends()]


@router.get("/cards.csv", summary="Cards as a file", responses=documented(404), response_class=CsvResponse)
async def export_cards(request: Request, choice: Chosen, ctx: Ctx = access("merchant", READ, limit=LIMIT)) -> Response:
    """Return all cards enrolled in that time, with their holders, balances and consent to marketing: a file that can be imported again.
    Cells that a spreadsheet would run begin with an apostrophe. Merged cards and those in the trash are not in it."""
    return await _download(request, ctx, ExportKind.CARDS, choice)


@router.get("/transactions.csv", summary="Transactions as a file", responses=documented(404), response_class=CsvResponse)
async def export_transactions(request: Request, choice: Chosen, ctx: Ctx = access("merchant", READ, limit=LIMIT)) -> Response:
    """Return the ledger's rows booked in that time, oldest first: which card, what, where, and the balance after it. No person is in it."""
    return await _download(request, ctx, ExportKind.TRANSACTIONS, choice)


@router.get("/customers.csv", summary="Customers as a file", responses=documented(404), response_class=CsvResponse)
async def export_customers(request: Request, choice: Chosen, ctx: Ctx = access("merchant", READ, limit=LIMIT)) -> Response:
    """Return the people registered in that time, with language and consent to marketing. Who was erased is not in it."""
    return await _download(request, ctx, ExportKind.CUSTOMERS, choice)


async def _download(request: Request, ctx: Ctx, kind: ExportKind, choice: Choice) -> Response:
    selection = await export_service.select(
        ctx, kind, since=choice.since, until=choice.until, store_id=choice.store_id, is_for_excel=choice.excel
    )

    async def read(work: Ctx, after: Place) -> tuple[bytes, Place | None]:
        return await export_service.read_piece(work, kind, selection, after, is_for_excel=choice.excel)

    name = f"{kind.value}-{ctx.now.date().isoformat()}.csv"
    return streams.stream(request, ctx, START, read, name=name, media_type="text/csv")
