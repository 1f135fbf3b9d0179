"""The program with its live preview, and the rewards that points buy."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import permissions
from app.core.context import Ctx
from app.core.i18n import formatting
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.trash import OnlyDeleted
from app.modules.cms import public as cms
from app.modules.loyalty.domain import logo
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.queries import programs, rewards
from app.modules.loyalty.routes.pages._merchant import trash
from app.modules.loyalty.routes.pages._merchant.panel import options, show
from app.modules.loyalty.services import terms_service
from app.modules.loyalty.services.program_service import ProgramForm
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
MANAGE: Any = access("merchant", "loyalty.program.manage")
NEW_COLOUR = "#4338ca"


@router.get("/program", summary="The program")
async def program(
    request: Request, ctx: Ctx = MANAGE, only_deleted: OnlyDeleted = False, cursor: Annotated[Cursor | None, Query()] = None
) -> Response:
    """Show the program's settings, or good ones to begin with, and how the card will look; or the programs in the trash."""
    if only_deleted:
        return await trash.show_programs(request, ctx, cursor=cursor)
    found = await programs.find_program(ctx)
    form = found or ProgramForm(type=ProgramType.STAMPS, name="", card_name="", colour=NEW_COLOUR)
    place = await terms_service.find_owning_store(ctx, form.owning_store_id)
    offered = await rewards.list_rewards(ctx, found.id, only_active=True) if found else []
    return await show(
        request,
        ctx,
        "program",
        is_new=found is None,
        program_id=found.id if found else None,
        may_trash=found is not None and permissions.is_allowed("loyalty.program.trash", ctx.actor.role, bound_to=ctx.actor.store_id),
        form=form,
        logo_path=found.logo_path if found else None,
        max_logo={"bytes": logo.MAX_BYTES, "pixels": logo.MAX_PIXELS},
        points_per_euro=formatting.number(form.points_per_euro.normalize(), decimals=_decimals(form)),
        minimum_purchase=formatting.number(form.minimum_purchase_cents / 100, decimals=2),
        first_cost=offered[0].cost_points if offered else None,
        store_options=options(await tenancy.list_stores(ctx)),
        terms_pages=[(page.slug, page.title) for page in await cms.list_pages(ctx, place)] if place else [],
    )


def _decimals(form: Any) -> int:
    """Return how many decimal places the points per euro need: a field to type in shows neither more nor less."""
    exponent = form.points_per_euro.normalize().as_tuple().exponent
    return max(0, -int(exponent))


@router.get("/program/rewards", summary="The rewards")
async def show_rewards(request: Request, ctx: Ctx = MANAGE) -> Response:
    """Show the rewards that points buy, also those not offered at present."""
    found = await programs.find_program(ctx)
    items = await rewards.list_rewards(ctx, found.id) if found else []
    return await show(request, ctx, "rewards", program=found, rewards=items)
