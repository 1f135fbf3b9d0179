"""The merchant's face: who holds several cards, and merging them."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import Mutation, access, idempotent
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.modules.customers import public as customers
from app.modules.loyalty.queries import merges
from app.modules.loyalty.routes.api._merchant.shapes import card_holder, merge_run
from app.modules.loyalty.schemas.merging import MergeBody, MergePreview, MergeRunAnswer, MergeRunList
from app.modules.loyalty.services import merge_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/merchants/loyalty/merges", tags=["Loyalty - Merchant"])


@router.get("/preview", summary="Who holds several cards", responses=documented(400))
async def preview(
    ctx: Ctx = access("merchant", "loyalty.merge.run"),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> MergePreview:
    """Return how many people hold several usable cards, and a page of them with balances; each one's first card would stay."""
    several = await merges.count_several(ctx)
    page = await merges.list_holders(ctx, cursor=cursor, limit=limit)
    people = await customers.get_many(ctx, [holder.customer_id for holder in page.items])
    names = await tenancy.find_store_names(ctx, {card.enrolled_at_store_id for holder in page.items for card in holder.cards})
    items = [card_holder(holder, people.get(holder.customer_id), names) for holder in page.items]
    return MergePreview(people=several.people, cards=several.cards, items=items, next_cursor=page.next_cursor)


@router.post("", summary="Merge cards", status_code=202, response_model=MergeRunAnswer, responses=documented(400, 404, 409))
async def start_merge(body: MergeBody, mutation: Mutation = idempotent("merchant", "loyalty.merge.run")) -> Response:
    """Merge one customer's cards at once, or start merging everybody's; read the run to see how far it is, and the sums."""

    async def act(ctx: Ctx) -> MergeRunAnswer:
        if body.customer_id is not None:
            return merge_run(await merge_service.merge_customer(ctx, body.customer_id))
        return merge_run(await merge_service.start_merge_of_all(ctx))

    return await mutation.run(act, status=202)


@router.get("", summary="The last merges", responses=documented())
async def list_merges(ctx: Ctx = access("merchant", "loyalty.merge.run")) -> MergeRunList:
    """Return the last twenty runs, the newest first."""
    return MergeRunList(items=[merge_run(run) for run in await merges.list_runs(ctx)])


@router.get("/{merge_id}", summary="How far a merge is", responses=documented(404))
async def read_merge(merge_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.merge.run")) -> MergeRunAnswer:
    """Return a run's progress and its sums before and after."""
    return merge_run(await merges.get_run(ctx, merge_id))
