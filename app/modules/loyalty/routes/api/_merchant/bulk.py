"""The merchant's face: many cards at once, many PINs at once."""

from fastapi import APIRouter
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import Mutation, access, idempotent
from app.core.web.problems import documented
from app.modules.loyalty.schemas.bulk import (
    AssignedPinAnswer,
    AssignedPinList,
    AssignPinsBody,
    BonusBody,
    BonusPreviewAnswer,
    BonusPreviewBody,
    BulkDeactivateBody,
    BulkStarted,
)
from app.modules.loyalty.services import bulk_service, pin_assignment_service
from app.modules.loyalty.services.pin_assignment_service import NewPin

BULK = "loyalty.card.bulk"
router = APIRouter(prefix="/api/v1/merchants/loyalty", tags=["Loyalty - Merchant"])
PROBLEMS = documented(400, 404, 409)


@router.post("/cards/bulk/deactivate", summary="Switch many cards off", status_code=202, response_model=BulkStarted, responses=PROBLEMS)
async def deactivate_cards(body: BulkDeactivateBody, mutation: Mutation = idempotent("merchant", BULK)) -> Response:
    """Start switching up to 1,000 cards off; balances stay. The job says for each card how it went, one that is listed twice is done
    once, and what is unknown, merged or in the trash does not hold up the others."""

    async def act(ctx: Ctx) -> BulkStarted:
        return BulkStarted(job_id=await bulk_service.start_deactivation(ctx, body.card_ids, reason=body.reason))

    return await mutation.run(act, status=202)


@router.post("/cards/bulk/bonus/preview", summary="What a bonus would cost", responses=documented(404, 409))
async def preview_bonus(body: BonusPreviewBody, ctx: Ctx = access("merchant", BULK, limit="60/minute")) -> BonusPreviewAnswer:
    """Return how many usable cards are meant and how many points that is in all. Nothing changes."""
    found = await bulk_service.preview_bonus(ctx, body.selection(), points=body.points)
    return BonusPreviewAnswer(cards=found.cards, points_in_all=found.points_in_all)


@router.post("/cards/bulk/bonus", summary="Give many cards a bonus", status_code=202, response_model=BulkStarted, responses=PROBLEMS)
async def give_bonus(body: BonusBody, mutation: Mutation = idempotent("merchant", BULK)) -> Response:
    """Start giving points to up to 1,000 cards, or to all that a filter means, once each; their holders are told by mail. A bonus is
    no visit. With `expected_cards` a filter that means another number by now is refused with that number."""

    async def act(ctx: Ctx) -> BulkStarted:
        return BulkStarted(
            job_id=await bulk_service.start_bonus(
                ctx, body.selection(), points=body.points, reason=body.reason, expected_cards=body.expected_cards
            )
        )  # fmt: skip

    return await mutation.run(act, status=202)


@router.post("/pins/bulk/assign", summary="Give many people a PIN", status_code=201, response_model=AssignedPinList, responses=PROBLEMS)
async def assign_pins(
    body: AssignPinsBody, mutation: Mutation = idempotent("merchant", "loyalty.pin.manage", limit="10/minute")
) -> Response:
    """Give up to 50 people of a store a PIN, all of them or nobody. The digits, made here unless given, are answered this once and kept
    nowhere; a repeat with the same key answers without them. Weak ones are refused, each by its field."""

    async def act(ctx: Ctx) -> AssignedPinList:
        people = [NewPin(item.display_name, item.role, item.email or None, item.pin) for item in body.pins]
        assigned = await pin_assignment_service.assign_pins(ctx, store_id=body.store_id, people=people)
        return AssignedPinList(
            store_id=body.store_id,
            items=[AssignedPinAnswer(id=one.id, display_name=one.display_name, role=one.role, pin=one.pin) for one in assigned],
        )

    return await mutation.run(act, status=201, kept=AssignedPinList.without_digits)
