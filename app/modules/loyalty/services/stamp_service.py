"""Stamps at the counter: add, redeem a full card, take a mistake back."""

import uuid
import zoneinfo
from collections.abc import Callable, Sequence

from app.core.context import Ctx
from app.core.events import Event
from app.core.idempotency import IdempotencyKey
from app.modules.loyalty.domain import stamps
from app.modules.loyalty.domain.enums import TerminalAction
from app.modules.loyalty.domain.pins import PinProof
from app.modules.loyalty.events import RewardReady, StampsAdded, StampsRedeemed
from app.modules.loyalty.queries.locks import LockedCard
from app.modules.loyalty.services import ledger, pin_service, void_service
from app.modules.loyalty.services.ledger import Change, Command, Posted

Present = Callable[[Change], str]


async def adding(
    ctx: Ctx, *, card_id: uuid.UUID, count: int, key: IdempotencyKey, present: Present, proof: PinProof | None = None
) -> Command:
    """Return the command that adds `count` stamps to a card of the caller's store; stamps over the target carry over.

    `present` shapes the answer that is kept under `key`. Running it raises what `domain.stamps.stamp` refuses.
    """
    staffed = await pin_service.identify(ctx, proof)
    zone = zoneinfo.ZoneInfo(ctx.actor.store_zone)

    async def prepare(card: LockedCard) -> None:
        await pin_service.require(staffed, card, TerminalAction.STAMP)

    return Command(
        ctx=staffed.ctx,
        card_id=card_id,
        key=key,
        prepare=prepare,
        decide=lambda card: stamps.stamp(card.state, card.rules, count=count, now=ctx.now, store_zone=zone),
        events=added_events,
        present=present,
    )


async def redeeming(ctx: Ctx, *, card_id: uuid.UUID, key: IdempotencyKey, present: Present, proof: PinProof | None = None) -> Command:
    """Return the command that takes a full card's stamps for one reward; NotEnoughStampsException when it runs and it is not full."""
    staffed = await pin_service.identify(ctx, proof)

    async def prepare(card: LockedCard) -> None:
        await pin_service.require(staffed, card, TerminalAction.REDEEM)

    return Command(
        ctx=staffed.ctx,
        card_id=card_id,
        key=key,
        prepare=prepare,
        decide=lambda card: stamps.redeem_stamps(card.state, card.rules, now=ctx.now),
        events=redeemed_events,
        present=present,
    )


add_stamps = ledger.runs(adding)
"""The command `adding`, run alone."""
redeem_stamps = ledger.runs(redeeming)
"""The command `redeeming`, run alone."""


async def void_stamps(
    ctx: Ctx, *, transaction_id: uuid.UUID, key: IdempotencyKey, present: Present, proof: PinProof | None = None
) -> Posted:
    """Take a stamp or a stamp card's redemption back (domain.md, Voids)."""
    return await void_service.void(
        ctx, transaction_id=transaction_id, key=key, present=present, proof=proof, kinds=void_service.STAMP_KINDS
    )


def added_events(change: Change) -> Sequence[Event]:
    """Return what adding stamps tells others; RewardReady when the count reached the target (C4)."""
    after, entry = change.decision.card, change.decision.entry
    events: list[Event] = [
        StampsAdded(card_id=change.card.id, transaction_id=change.transaction_id, stamps=entry.stamps_delta, stamp_count=after.stamp_count)
    ]
    return events + _ready(change)


def redeemed_events(change: Change) -> Sequence[Event]:
    """Return what redeeming a full card tells others."""
    taken = -change.decision.entry.stamps_delta
    return [StampsRedeemed(card_id=change.card.id, transaction_id=change.transaction_id, stamps=taken), *_ready(change)]


def _ready(change: Change) -> list[Event]:
    decision = change.decision
    if not decision.rewards_ready:
        return []
    return [
        RewardReady(
            card_id=change.card.id,
            transaction_id=change.transaction_id,
            rewards=decision.rewards_ready,
            rewards_ready=decision.card.rewards_ready,
            stamps_target=decision.card.stamps_target,
        )
    ]
