"""Points: earn by amount, redeem for a reward, void, refund, correct."""

import uuid
from collections.abc import Callable, Sequence

from app.core import audit
from app.core.context import Ctx
from app.core.events import Event
from app.core.idempotency import IdempotencyKey
from app.modules.loyalty.domain import points
from app.modules.loyalty.domain.balances import Decision
from app.modules.loyalty.domain.enums import TerminalAction
from app.modules.loyalty.domain.pins import PinProof
from app.modules.loyalty.events import PointsAdjusted, PointsEarned, PointsRedeemed
from app.modules.loyalty.queries import rewards
from app.modules.loyalty.queries.locks import LockedCard
from app.modules.loyalty.services import ledger, pin_service, void_service
from app.modules.loyalty.services.ledger import Change, Command, Posted

Present = Callable[[Change], str]


async def earning(
    ctx: Ctx,
    *,
    card_id: uuid.UUID,
    amount_cents: int,
    key: IdempotencyKey,
    present: Present,
    order_reference: str | None = None,
    proof: PinProof | None = None,
) -> Command:
    """Return the command that books a purchase of `amount_cents`; the points follow the program's rule of the moment it runs, owed
    ones are paid first.

    An `order_reference` earns once per store (OrderAlreadyEarnedException when it runs).
    """
    staffed = await pin_service.identify(ctx, proof)

    async def prepare(card: LockedCard) -> None:
        await pin_service.require(staffed, card, TerminalAction.EARN)

    return Command(
        ctx=staffed.ctx,
        card_id=card_id,
        key=key,
        prepare=prepare,
        decide=lambda card: points.earn_points(card.state, card.rules, amount_cents=amount_cents, now=ctx.now),
        events=lambda change: _earned(change, amount_cents),
        present=present,
        order_reference=order_reference,
    )


async def redeeming(
    ctx: Ctx, *, card_id: uuid.UUID, reward_id: uuid.UUID, key: IdempotencyKey, present: Present, proof: PinProof | None = None
) -> Command:
    """Return the command that spends points on a reward.

    Running it raises RewardNotFoundException when the reward is not offered, and what `domain.points.redeem_points` refuses.
    """
    staffed = await pin_service.identify(ctx, proof)
    cost = 0

    async def prepare(card: LockedCard) -> None:
        nonlocal cost
        cost = (await rewards.get_offered(ctx, reward_id, program_id=card.program_id)).cost_points
        await pin_service.require(staffed, card, TerminalAction.REDEEM, redeem_points=cost)

    return Command(
        ctx=staffed.ctx,
        card_id=card_id,
        key=key,
        prepare=prepare,
        decide=lambda card: points.redeem_points(card.state, card.rules, points=cost, now=ctx.now),
        events=_redeemed,
        present=present,
        reward_id=reward_id,
    )


earn_points = ledger.runs(earning)
"""The command `earning`, run alone."""
redeem_points = ledger.runs(redeeming)
"""The command `redeeming`, run alone."""


async def void_points(
    ctx: Ctx, *, transaction_id: uuid.UUID, key: IdempotencyKey, present: Present, proof: PinProof | None = None
) -> Posted:
    """Take a purchase's points or a points redemption back (domain.md, Voids)."""
    return await void_service.void(
        ctx, transaction_id=transaction_id, key=key, present=present, proof=proof, kinds=void_service.POINT_KINDS
    )


async def adjust_points(
    ctx: Ctx,
    *,
    card_id: uuid.UUID,
    delta: int,
    reason: str,
    key: IdempotencyKey,
    present: Present,
    proof: PinProof | None = None,
    is_restoring: bool = False,
) -> Posted:
    """Correct a balance by `delta` points with a `reason`, which goes to the audit log and not into the ledger.

    At a counter a manager's PIN is asked for; the platform's own correction, also for a merchant, is an ADMIN_ADJUSTMENT. With
    `is_restoring` the platform gives points back that had expired (G7), which counts as activity.
    """
    text = points.clean_reason(reason)
    staffed = await pin_service.identify(ctx, proof)

    async def prepare(card: LockedCard) -> None:
        await pin_service.require(staffed, card, TerminalAction.ADJUST)
        action = "loyalty.points.restored" if is_restoring else "loyalty.points.adjusted"
        await audit.record(staffed.ctx, action, "card", card.id, points=delta, reason=text)

    def decide(card: LockedCard) -> Decision:
        if is_restoring:
            return points.restore_points(card.state, card.rules, points=delta, now=ctx.now)
        is_platform = ctx.actor.role == "admin" or ctx.actor.acting_admin_id is not None
        return points.adjust_points(card.state, points=delta, by_platform=is_platform)

    command = Command(
        ctx=staffed.ctx,
        card_id=card_id,
        key=key,
        prepare=prepare,
        decide=decide,
        events=_adjusted,
        present=present,
    )
    return await ledger.run(command)


def _earned(change: Change, amount_cents: int) -> Sequence[Event]:
    return [
        PointsEarned(
            card_id=change.card.id,
            transaction_id=change.transaction_id,
            points=change.decision.entry.points_delta,
            points_balance=change.decision.card.points_balance,
            amount_cents=amount_cents,
        )
    ]


def _redeemed(change: Change) -> Sequence[Event]:
    spent, after = -change.decision.entry.points_delta, change.decision.card
    return [PointsRedeemed(card_id=change.card.id, transaction_id=change.transaction_id, points=spent, points_balance=after.points_balance)]


def _adjusted(change: Change) -> Sequence[Event]:
    delta = change.decision.entry.points_delta
    return [PointsAdjusted(card_id=change.card.id, transaction_id=change.transaction_id, points_delta=delta)]
