"""Many cards at once: the bonus with its preview; PINs for many people, to print and hand out."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.modules.loyalty.domain.bulk import MAX_CARDS, MAX_PINS
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.queries import bulk, programs
from app.modules.loyalty.routes.pages._merchant.panel import open_stores, options, show
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
BULK: Any = access("merchant", "loyalty.card.bulk")
PINS: Any = access("merchant", "loyalty.pin.manage")
Chosen = Annotated[Sequence[uuid.UUID], Query(max_length=MAX_CARDS, description="Cards that were chosen in the list; none for a filter.")]


@router.get("/cards/bonus", summary="A bonus for many cards")
async def bonus(request: Request, ctx: Ctx = BULK, card: Chosen = ()) -> Response:
    """Show the form for a bonus: for the cards chosen in the list, or by conditions, whose cost is shown before anything runs."""
    numbers = await bulk.find_numbers(ctx, card)
    stores = await tenancy.list_stores(ctx)
    return await show(
        request,
        ctx,
        "bonus",
        chosen=[(str(card_id), format_number(number)) for card_id, number in numbers.items()],
        stores=options(stores),
        program=await programs.find_program(ctx),
    )


@router.get("/staff/slips", summary="PINs for many people")
async def slips(request: Request, ctx: Ctx = PINS) -> Response:
    """Show the form that gives many people of a store a PIN and, once, slips with them to print."""
    return await show(request, ctx, "slips", stores=options(await open_stores(ctx)), most=MAX_PINS)
