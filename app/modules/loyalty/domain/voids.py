"""Voids and refunds: history is never edited, a new row takes back what an earlier one did (domain.md, Voids and corrections)."""

import dataclasses
import datetime as dt
import uuid

from app.modules.loyalty.domain.balances import CardState, Decision, Note, ProgramRules, book
from app.modules.loyalty.domain.enums import CardStatus, TransactionType, VoidPolicy
from app.modules.loyalty.domain.points import points_for_purchase
from app.modules.loyalty.errors import (
    CardMergedException,
    PointsAlreadySpentException,
    RefundExceedsPurchaseException,
    StampsAlreadySpentException,
    TransactionAlreadyVoidedException,
    TransactionNotRefundableException,
    TransactionNotVoidableException,
)

EARNS = frozenset({TransactionType.STAMP_EARNED, TransactionType.POINTS_EARNED})
REDEMPTIONS = frozenset({TransactionType.STAMP_REDEEMED, TransactionType.POINTS_REDEEMED})
VOIDABLE = EARNS | REDEMPTIONS
"""Everything else (voids, refunds, bonuses, corrections, merges, expiries) is set right by an adjustment."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The row to take back, as it was written, and what refunds have already taken of it.

    `refunded_cents` is the money given back so far, `refunded_points` the points that were due for it (forgiven ones included),
    `refunded_owed` the sum of the refunds' `owed_delta`. `expired_points` is what expired with the card's next expiry after this
    row, less what voids and refunds have let go of that already: points that nobody spent. `occurred_at` and `quota_day` matter
    for stamps only.
    """

    id: uuid.UUID
    type: TransactionType
    occurred_at: dt.datetime
    stamps_delta: int = 0
    points_delta: int = 0
    owed_delta: int = 0
    amount_cents: int | None = None
    points_rate: int | None = None
    quota_day: dt.date | None = None
    is_voided: bool = False
    refunded_cents: int = 0
    refunded_points: int = 0
    refunded_owed: int = 0
    expired_points: int = 0


def require_voidable(original: Original) -> None:
    """Refuse rows that cannot be voided (TransactionNotVoidableException) or were (TransactionAlreadyVoidedException)."""
    if original.type not in VOIDABLE:
        raise TransactionNotVoidableException
    if original.is_voided:
        raise TransactionAlreadyVoidedException


def void(card: CardState, rules: ProgramRules, original: Original, *, previous_stamp_at: dt.datetime | None = None) -> Decision:
    """Return the card after `original` was voided, whichever kind it is.

    Cancelling a redemption returns exactly what it took. Voiding an earn takes what is left of it after refunds; when that is no
    longer all there, `rules.void_policy` decides. `previous_stamp_at` is when the card's last unvoided stamp before this one was
    added; the cool-down counts from there again. A deactivated card can be corrected, a merged one cannot.
    Raises what `require_voidable` refuses, PointsAlreadySpentException, StampsAlreadySpentException, CardMergedException.
    """
    if card.status is CardStatus.MERGED:
        raise CardMergedException
    require_voidable(original)
    if original.type in REDEMPTIONS:
        return _cancel_redemption(card, original)
    if original.type is TransactionType.STAMP_EARNED:
        return _void_stamps(card, rules, original, previous_stamp_at)
    due = original.points_delta - original.refunded_points
    return _take_points(card, rules, original, due, TransactionType.POINTS_VOIDED, Note(reverses_id=original.id))


def refund(card: CardState, rules: ProgramRules, original: Original, *, refund_cents: int) -> Decision:
    """Return the card after `refund_cents` of a purchase were given back.

    Removes points(before) - points(after) by the rate of the purchase's moment, so that many small refunds take exactly what one
    large one would: at 1 point per 10 €, 21.90 € earned 2; refunds of 5 € take 1, 0, 1. The minimum purchase decided whether the
    purchase qualified and is not asked again. Spent points follow `rules.void_policy`.
    Raises TransactionNotRefundableException, TransactionAlreadyVoidedException, RefundExceedsPurchaseException,
    PointsAlreadySpentException, CardMergedException.
    """
    if card.status is CardStatus.MERGED:
        raise CardMergedException
    amount, rate = original.amount_cents, original.points_rate
    if original.type is not TransactionType.POINTS_EARNED or amount is None or rate is None:
        raise TransactionNotRefundableException
    if original.is_voided:
        raise TransactionAlreadyVoidedException
    before = amount - original.refunded_cents
    if not 1 <= refund_cents <= before:
        raise RefundExceedsPurchaseException(refundable_cents=before)
    due = points_for_purchase(before, rate) - points_for_purchase(before - refund_cents, rate)
    note = Note(refunds_id=original.id, amount_cents=refund_cents, points_rate=rate)
    return _take_points(card, rules, original, due, TransactionType.POINTS_REFUNDED, note)


def _take_points(card: CardState, rules: ProgramRules, original: Original, due: int, kind: TransactionType, note: Note) -> Decision:
    """Take `due` points back by the void policy.

    What has expired since is gone already and was not spent: it is let go, whatever the policy. Debt that the original paid exists
    again without being asked: only what is missing beyond it was spent.
    """
    expired = min(due, original.expired_points)
    due -= expired
    paid_debt = max(0, -(original.owed_delta + original.refunded_owed))
    missing = max(0, due - card.points_balance - paid_debt)
    if missing and rules.void_policy is VoidPolicy.BLOCK:
        raise PointsAlreadySpentException(missing=missing)
    forgiven = missing if rules.void_policy is VoidPolicy.FORGIVE else 0
    note = dataclasses.replace(note, points_forgiven=expired + forgiven)
    after, entry = book(card, kind, points=forgiven - due, note=note, may_owe=True)
    return Decision(after, (entry,))


def _void_stamps(card: CardState, rules: ProgramRules, original: Original, previous_stamp_at: dt.datetime | None) -> Decision:
    """Take stamps back and give their quota back.

    Stamps cannot be owed (their sum is the count, never negative), so `owe` refuses redeemed stamps as `block` does.
    """
    missing = max(0, original.stamps_delta - card.stamp_count)
    if missing and rules.void_policy is not VoidPolicy.FORGIVE:
        raise StampsAlreadySpentException(missing=missing)
    after, entry = book(
        card,
        TransactionType.STAMP_VOIDED,
        stamps=missing - original.stamps_delta,
        note=Note(reverses_id=original.id, stamps_forgiven=missing),
    )
    is_same_day = card.stamps_day is not None and card.stamps_day == original.quota_day
    is_latest = card.last_stamp_at is not None and original.occurred_at >= card.last_stamp_at
    after = dataclasses.replace(
        after,
        stamps_today=max(0, card.stamps_today - original.stamps_delta) if is_same_day else card.stamps_today,
        last_stamp_at=previous_stamp_at if is_latest else card.last_stamp_at,
    )
    return Decision(after, (entry,))


def _cancel_redemption(card: CardState, original: Original) -> Decision:
    """Return exactly what a redemption took; a stamp card goes back to the target it was full at."""
    after, entry = book(
        card,
        TransactionType.REDEMPTION_CANCELLED,
        stamps=-original.stamps_delta,
        points=-original.points_delta,
        note=Note(reverses_id=original.id),
        stamps_target=-original.stamps_delta if original.type is TransactionType.STAMP_REDEEMED else None,
    )
    return Decision(after, (entry,))
