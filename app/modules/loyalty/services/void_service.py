"""Taking back what was booked: voids and refunds. History is never edited (domain.md, Voids and corrections)."""

import uuid
from collections.abc import Callable, Sequence

from app.core.context import Ctx
from app.core.events import Event
from app.core.idempotency import IdempotencyKey
from app.modules.loyalty.domain import voids
from app.modules.loyalty.domain.balances import Decision
from app.modules.loyalty.domain.enums import TerminalAction, TransactionType
from app.modules.loyalty.domain.pins import PinProof
from app.modules.loyalty.errors import CardNotFoundException, TransactionNotFoundException, TransactionNotVoidableException
from app.modules.loyalty.events import PointsRefunded, TransactionVoided
from app.modules.loyalty.queries import transactions
from app.modules.loyalty.queries.locks import LockedCard
from app.modules.loyalty.services import ledger, pin_service
from app.modules.loyalty.services.ledger import Change, Command, Posted

STAMP_KINDS = frozenset({TransactionType.STAMP_EARNED, TransactionType.STAMP_REDEEMED})
POINT_KINDS = frozenset({TransactionType.POINTS_EARNED, TransactionType.POINTS_REDEEMED})


async def void(
    ctx: Ctx,
    *,
    transaction_id: uuid.UUID,
    key: IdempotencyKey,
    present: Callable[[Change], str],
    proof: PinProof | None,
    kinds: frozenset[TransactionType],
) -> Posted:
    """Reverse the row `transaction_id`, once. Raises TransactionNotFoundException, TransactionNotVoidableException (also for a
    row of another kind than `kinds`), TransactionAlreadyVoidedException and what the merchant's void policy refuses."""
    staffed = await pin_service.identify(ctx, proof)
    found: list[voids.Original] = []
    previous_stamp_at = None

    async def prepare(card: LockedCard) -> None:
        nonlocal previous_stamp_at
        original = await transactions.get_original(ctx, transaction_id)
        found.append(original)
        voids.require_voidable(original)
        if original.type not in kinds:
            raise TransactionNotVoidableException
        await pin_service.require(staffed, card, TerminalAction.VOID)
        if original.type is TransactionType.STAMP_EARNED:
            previous_stamp_at = await transactions.find_previous_stamp_at(ctx, card.id, transaction_id)

    def decide(card: LockedCard) -> Decision:
        return voids.void(card.state, card.rules, found[-1], previous_stamp_at=previous_stamp_at)

    command = Command(
        ctx=staffed.ctx,
        card_id=await transactions.get_card_of_transaction(ctx, transaction_id),
        key=key,
        prepare=prepare,
        decide=decide,
        events=lambda change: _voided(change, transaction_id),
        present=present,
    )
    return await _run(command)


async def refund(
    ctx: Ctx,
    *,
    transaction_id: uuid.UUID,
    refund_cents: int,
    key: IdempotencyKey,
    present: Callable[[Change], str],
    proof: PinProof | None = None,
) -> Posted:
    """Take back the points of `refund_cents` of a purchase, by the rule of its moment (domain.md, Points)."""
    staffed = await pin_service.identify(ctx, proof)
    found: list[voids.Original] = []

    async def prepare(card: LockedCard) -> None:
        found.append(await transactions.get_original(ctx, transaction_id))
        await pin_service.require(staffed, card, TerminalAction.REFUND)

    command = Command(
        ctx=staffed.ctx,
        card_id=await transactions.get_card_of_transaction(ctx, transaction_id),
        key=key,
        prepare=prepare,
        decide=lambda card: voids.refund(card.state, card.rules, found[-1], refund_cents=refund_cents),
        events=lambda change: _refunded(change, transaction_id),
        present=present,
    )
    return await _run(command)


async def _run(command: Command) -> Posted:
    """Run `command`; a card that the caller's store does not serve makes the transaction unknown, not the card."""
    try:
        return await ledger.run(command)
    except CardNotFoundException as error:
        raise TransactionNotFoundException from error


def _voided(change: Change, voided_id: uuid.UUID) -> Sequence[Event]:
    entry = change.decision.entry
    return [
        TransactionVoided(
            card_id=change.card.id,
            transaction_id=change.transaction_id,
            voided_id=voided_id,
            stamps_delta=entry.stamps_delta,
            points_delta=entry.points_delta,
        )
    ]


def _refunded(change: Change, purchase_id: uuid.UUID) -> Sequence[Event]:
    taken = -change.decision.entry.points_delta
    return [PointsRefunded(card_id=change.card.id, transaction_id=change.transaction_id, purchase_id=purchase_id, points=taken)]
