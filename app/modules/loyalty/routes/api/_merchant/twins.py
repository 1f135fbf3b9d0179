"""The merchant's face: people who are there twice, and making them one."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import Mutation, access, idempotent
from app.core.web.fields import Cursor
from app.core.web.problems import documented
from app.modules.loyalty.routes.api._merchant.people import show
from app.modules.loyalty.routes.api._merchant.shapes import merge_run
from app.modules.loyalty.schemas.people import PeopleMergeAnswer, TwinsAnswer, TwinsPage
from app.modules.loyalty.services import people_service, person_merge_service
from app.modules.loyalty.services.person_merge_service import PeopleMerge

router = APIRouter(prefix="/api/v1/merchants/loyalty/customers", tags=["Loyalty - Merchant"])
PROBLEMS = documented(404, 409, 410)


async def merge_answer(ctx: Ctx, merge: PeopleMerge) -> PeopleMergeAnswer:
    """Return a merge, or its preview, as it is answered."""
    kept, gone, after = await show(ctx, [merge.kept, merge.gone, merge.after])
    return PeopleMergeAnswer(kept=kept, gone=gone, after=after, run=merge_run(merge.run) if merge.run else None)


@router.get("/duplicates", summary="Who may be there twice", responses=documented(400))
async def list_duplicates(
    ctx: Ctx = access("merchant", "loyalty.customer.merge"),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> TwinsPage:
    """Return pairs with one phone number, one name and birthday, or addresses that differ in dots or a plus part only."""
    page = await people_service.list_twins(ctx, cursor=cursor, limit=limit)
    people = await show(ctx, [person for pair in page.items for person in (pair.older, pair.newer)])
    shown = zip(people[::2], people[1::2], page.items, strict=True)
    items = [TwinsAnswer(older=older, newer=newer, likeness=pair.likeness) for older, newer, pair in shown]
    return TwinsPage(items=items, next_cursor=page.next_cursor, previous_cursor=page.previous_cursor)


@router.get("/{customer_id}/merge/{other_id}", summary="Preview the merge of two customers", responses=PROBLEMS)
async def preview_merge(
    customer_id: uuid.UUID, other_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.customer.merge")
) -> PeopleMergeAnswer:
    """Return what `customer_id` would be, and have, after `other_id` was merged into them. Nothing happens yet."""
    return await merge_answer(ctx, await person_merge_service.preview_merge(ctx, customer_id, other_id))


@router.post(
    "/{customer_id}/merge/{other_id}",
    summary="Merge two customers",
    response_model=PeopleMergeAnswer,
    responses=documented(400, 404, 409, 410),
)
async def merge_customers(
    customer_id: uuid.UUID, other_id: uuid.UUID, mutation: Mutation = idempotent("merchant", "loyalty.customer.merge")
) -> Response:
    """Make `other_id` the same person as `customer_id`, for good: cards, history and mails move, of two wishes the stricter counts."""

    async def act(ctx: Ctx) -> PeopleMergeAnswer:
        return await merge_answer(ctx, await person_merge_service.merge_people(ctx, customer_id, other_id))

    return await mutation.run(act)
