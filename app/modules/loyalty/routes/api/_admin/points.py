"""The admin's face: points given back to a card (G7)."""

import uuid
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import unit_of_work
from app.core.idempotency import IdempotencyKey
from app.core.web.deps import Mutation, idempotent
from app.core.web.problems import documented
from app.modules.loyalty.queries import cards
from app.modules.loyalty.routes.api._store.value import Stored, presenter, stored
from app.modules.loyalty.schemas.bulk import RestoreBody
from app.modules.loyalty.schemas.cards import CardChange
from app.modules.loyalty.services import points_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/admin/loyalty/cards", tags=["Loyalty - Admin"])


@router.post(
    "/{card_id}/restore_points", summary="Give expired points back", response_model=CardChange, responses=documented(400, 404, 409)
)
async def restore_points(
    request: Request,
    card_id: uuid.UUID,
    body: RestoreBody,
    mutation: Mutation = idempotent("admin", "loyalty.points.restore", limit="60/minute"),
) -> Response:
    """Add points to a card as an adjustment of the platform. It counts as activity of the customer: the points do not expire again the
    next night, but after the program's whole period."""

    async def act(ctx: Any, key: IdempotencyKey) -> Stored:
        # The ledger is written by the application's role alone, within the one merchant.
        who = tenancy.admin_acting_for(ctx, await cards.get_merchant_of_card(ctx, card_id))
        async with unit_of_work(request.app.state.database, who, request_id=ctx.request_id, now=ctx.now) as inside:
            posted = await points_service.adjust_points(
                inside, card_id=card_id, delta=body.points, reason=body.reason, key=key, present=presenter(inside), is_restoring=True
            )
        return stored(posted)

    return await mutation.run_stored(act)
