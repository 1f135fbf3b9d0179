"""The panel's first page: today, the last thirty days, and what a new merchant does first."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.modules.loyalty.queries import pins, programs, terminals
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.routes.pages._merchant.panel import open_stores, show
from app.modules.loyalty.services import overview_service

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
READ: Any = access("merchant", "loyalty.overview.read")
WEEK = 7


@router.get("", summary="Home")
async def home(request: Request, ctx: Ctx = READ) -> Response:
    """Show today's numbers beside those of a week ago, the last thirty days, and the first steps while one is left."""
    program = await programs.find_program(ctx)
    overview = await overview_service.get_overview(ctx)
    stores = await open_stores(ctx)
    steps = views.first_steps(
        has_program=program is not None,
        has_cards=overview.active_cards > 0,
        has_pins=bool(await pins.list_pins(ctx, ctx.actor.store_id)),
        has_terminals=bool(await terminals.list_terminals(ctx, ctx.actor.store_id)),
        poster_href=f"/merchants/stores/{stores[0].id}/poster" if stores and program else "/merchants/stores",
    )
    return await show(
        request,
        ctx,
        "home",
        program=program,
        overview=overview,
        week_ago=overview.days[-1 - WEEK],
        charts=views.charts(overview.days, program) if program else [],
        steps=steps if any(not step.is_done for step in steps) else [],
        done_steps=sum(step.is_done for step in steps),
        store_name=stores[0].name if ctx.actor.store_id and stores else None,
    )
