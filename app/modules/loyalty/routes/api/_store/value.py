"""The store's face: what moves value. Limits per minute and store are those of requirement B4."""

import uuid
from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter
from starlette.responses import Response

from app.core.context import Ctx
from app.core.errors import OrionException
from app.core.idempotency import IdempotencyKey
from app.core.web.deps import Mutation, idempotent
from app.core.web.problems import documented
from app.modules.loyalty.domain.pins import PinProof
from app.modules.loyalty.routes.api._shapes import card_change
from app.modules.loyalty.schemas.cards import CardChange
from app.modules.loyalty.schemas.store import (
    AddStamps,
    AdjustPoints,
    EarnPoints,
    RedeemPoints,
    RedeemStamps,
    RefundPurchase,
    VoidTransaction,
)
from app.modules.loyalty.services import ledger, points_service, stamp_service, void_service
from app.modules.loyalty.services.ledger import Change, Command, Posted

router = APIRouter(prefix="/api/v1/store/loyalty", tags=["Loyalty - Store"])
PROBLEMS = documented(400, 404, 409, 429)

Stored = tuple[int, str, bool]
Make = Callable[[Ctx, IdempotencyKey], Awaitable[Command]]


def stored(posted: Posted) -> Stored:
    """Return what `Mutation.run_stored` wants of the ledger's outcome."""
    return posted.status, posted.body, posted.is_replay


async def run_commands(parts: Sequence[tuple[Ctx, tuple[Make, IdempotencyKey]]]) -> list[Stored | OrionException | None]:
    """Do the commands of several requests in one transaction (`together.Work`)."""
    outcomes = await ledger.run_together([await make(ctx, key) for ctx, (make, key) in parts])
    return [stored(outcome) if isinstance(outcome, Posted) else outcome for outcome in outcomes]


async def run_command(mutation: Mutation, make: Make, *, proof: PinProof | None) -> Response:
    """Do one command, in a transaction shared with others' unless a PIN is typed: a wrong one is counted whatever else happens."""

    async def alone(ctx: Ctx, key: IdempotencyKey) -> Stored:
        return stored(await ledger.run(await make(ctx, key)))

    if proof is not None:
        return await mutation.run_stored(alone)
    return await mutation.run_together(run_commands, make, alone)


def presenter(ctx: Ctx) -> stamp_service.Present:
    """Return the function that shapes a change for the answer."""

    def present(change: Change) -> str:
        return card_change(change, ctx.now).model_dump_json()

    return present


@router.post("/stamp", summary="Add stamps", response_model=CardChange, responses=PROBLEMS)
async def add_stamps(body: AddStamps, mutation: Mutation = idempotent("store", "loyalty.stamps.add", limit="60/minute")) -> Response:
    """Add one stamp or several to a card. Stamps over the target carry over; cool-down and daily limit answer 409 with `retry_at`."""

    proof = body.proof()

    async def make(ctx: Ctx, key: IdempotencyKey) -> Command:
        return await stamp_service.adding(ctx, card_id=body.card_id, count=body.stamps, key=key, present=presenter(ctx), proof=proof)

    return await run_command(mutation, make, proof=proof)


@router.post("/stamp/redeem", summary="Redeem a full stamp card", response_model=CardChange, responses=PROBLEMS)
async def redeem_stamps(
    body: RedeemStamps, mutation: Mutation = idempotent("store", "loyalty.stamps.redeem", limit="30/minute")
) -> Response:
    """Take the stamps of one full card for its reward."""

    proof = body.proof()

    async def make(ctx: Ctx, key: IdempotencyKey) -> Command:
        return await stamp_service.redeeming(ctx, card_id=body.card_id, key=key, present=presenter(ctx), proof=proof)

    return await run_command(mutation, make, proof=proof)


@router.post("/stamp/void", summary="Void stamps", response_model=CardChange, responses=PROBLEMS)
async def void_stamps(
    body: VoidTransaction, mutation: Mutation = idempotent("store", "loyalty.stamps.void", limit="20/minute")
) -> Response:
    """Take added stamps, or the redemption of a full card, back. Each row is voided once."""

    async def act(ctx: Ctx, key: IdempotencyKey) -> Stored:
        return stored(
            await stamp_service.void_stamps(ctx, transaction_id=body.transaction_id, key=key, present=presenter(ctx), proof=body.proof())
        )

    return await mutation.run_stored(act)


@router.post("/points/earn", summary="Earn points for a purchase", response_model=CardChange, responses=PROBLEMS)
async def earn_points(body: EarnPoints, mutation: Mutation = idempotent("store", "loyalty.points.earn", limit="60/minute")) -> Response:
    """Book a purchase by its amount in cents; the program's rule of this moment decides the points."""

    proof = body.proof()

    async def make(ctx: Ctx, key: IdempotencyKey) -> Command:
        return await points_service.earning(
            ctx,
            card_id=body.card_id,
            amount_cents=body.amount_cents,
            order_reference=body.order_reference,
            key=key,
            present=presenter(ctx),
            proof=proof,
        )

    return await run_command(mutation, make, proof=proof)


@router.post("/points/redeem", summary="Redeem points for a reward", response_model=CardChange, responses=PROBLEMS)
async def redeem_points(
    body: RedeemPoints, mutation: Mutation = idempotent("store", "loyalty.points.redeem", limit="30/minute")
) -> Response:
    """Spend a reward's cost. Refused while points are owed or when they are due to expire."""

    proof = body.proof()

    async def make(ctx: Ctx, key: IdempotencyKey) -> Command:
        return await points_service.redeeming(
            ctx, card_id=body.card_id, reward_id=body.reward_id, key=key, present=presenter(ctx), proof=proof
        )

    return await run_command(mutation, make, proof=proof)


@router.post("/points/void", summary="Void a purchase's or a reward's points", response_model=CardChange, responses=PROBLEMS)
async def void_points(
    body: VoidTransaction, mutation: Mutation = idempotent("store", "loyalty.points.void", limit="20/minute")
) -> Response:
    """Take earned points back by the merchant's void policy, or return exactly what a redemption took."""

    async def act(ctx: Ctx, key: IdempotencyKey) -> Stored:
        return stored(
            await points_service.void_points(ctx, transaction_id=body.transaction_id, key=key, present=presenter(ctx), proof=body.proof())
        )

    return await mutation.run_stored(act)


@router.post("/points/refund", summary="Refund part of a purchase", response_model=CardChange, responses=PROBLEMS)
async def refund_purchase(
    body: RefundPurchase, mutation: Mutation = idempotent("store", "loyalty.points.void", limit="20/minute")
) -> Response:
    """Take back the points of the money that was given back, by the rule of the purchase's moment."""

    async def act(ctx: Ctx, key: IdempotencyKey) -> Stored:
        return stored(
            await void_service.refund(
                ctx,
                transaction_id=body.transaction_id,
                refund_cents=body.refund_cents,
                key=key,
                present=presenter(ctx),
                proof=body.proof(),
            )
        )

    return await mutation.run_stored(act)


@router.post("/cards/{card_id}/points/adjust", summary="Correct a balance", response_model=CardChange, responses=PROBLEMS)
async def adjust_points(
    card_id: uuid.UUID, body: AdjustPoints, mutation: Mutation = idempotent("store", "loyalty.points.adjust", limit="20/minute")
) -> Response:
    """Correct the points of a card with a reason and a manager's PIN. The reason goes to the audit log."""

    async def act(ctx: Ctx, key: IdempotencyKey) -> Stored:
        return stored(
            await points_service.adjust_points(
                ctx, card_id=card_id, delta=body.points, reason=body.reason, key=key, present=presenter(ctx), proof=body.proof()
            )
        )

    return await mutation.run_stored(act)
