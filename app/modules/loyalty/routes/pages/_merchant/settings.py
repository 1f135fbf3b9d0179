"""Settings for all stores: the counter's rules, where cards work, and merging cards."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.i18n import ngettext
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.modules.customers import public as customers
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.retention import CHOICES
from app.modules.loyalty.queries import merges, programs
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.routes.pages._merchant.panel import show
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants/settings", tags=["Loyalty - Merchant pages"], include_in_schema=False)
MANAGE: Any = access("merchant", "loyalty.settings.manage")
MERGE: Any = access("merchant", "loyalty.merge.run")
PAGE = 25


@router.get("", summary="Settings of the counter")
async def counter(request: Request, ctx: Ctx = MANAGE) -> Response:
    """Show the rules of PINs, voids and large redemptions."""
    choices = [(years, ngettext("%(num)s year", "%(num)s years", years)) for years in CHOICES]
    return await show(request, ctx, "settings", settings=await programs.get_settings(ctx), retention_choices=choices)


@router.get("/locations", summary="Where cards work")
async def locations(request: Request, ctx: Ctx = MANAGE) -> Response:
    """Show whether cards work at all stores, what a switch would change, and how many people hold several cards."""
    return await show(
        request,
        ctx,
        "locations",
        is_everywhere=(await programs.get_settings(ctx)).allow_cross_location_redemption,
        several=await merges.count_several(ctx),
        runs=await merges.list_runs(ctx),
        store_count=len(await tenancy.list_stores(ctx)),
    )


@router.get("/merge", summary="Who would be merged")
async def preview(request: Request, ctx: Ctx = MERGE, cursor: Annotated[Cursor | None, Query()] = None) -> Response:
    """Show the people with several cards, and what each one's oldest card would hold."""
    page = await merges.list_holders(ctx, cursor=cursor, limit=PAGE)
    people = await customers.get_many(ctx, [holder.customer_id for holder in page.items])
    names = await tenancy.find_store_names(ctx, {card.enrolled_at_store_id for holder in page.items for card in holder.cards})
    return await show(
        request,
        ctx,
        "merge",
        is_everywhere=(await programs.get_settings(ctx)).allow_cross_location_redemption,
        is_running=await merges.is_running(ctx),
        several=await merges.count_several(ctx),
        holders=[(views.person_name(people.get(holder.customer_id)), holder.cards) for holder in page.items],
        store_names=names,
        format_number=format_number,
        is_first=cursor is None,
        next_href=f"?cursor={page.next_cursor}" if page.next_cursor else None,
    )


@router.get("/merges/{merge_id}", summary="How far a merge is")
async def merge_run(request: Request, merge_id: uuid.UUID, ctx: Ctx = MERGE) -> Response:
    """Show a run's progress, and its sums before and after."""
    return await show(request, ctx, "merge-run", run=await merges.get_run(ctx, merge_id))
