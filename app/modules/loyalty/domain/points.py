"""Points: earning, redeeming, refunds, bonuses and corrections (domain.md, Points). Integers only, one rounding."""

import datetime as dt
import decimal

from app.core.money import MAX_AMOUNT_CENTS, MAX_POINTS
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.balances import (
    MAX_BALANCE,
    RATE_SCALE,
    CardState,
    Decision,
    Note,
    ProgramRules,
    Visit,
    book,
    require_open,
    require_usable,
)
from app.modules.loyalty.domain.enums import CardStatus, TransactionType
from app.modules.loyalty.errors import (
    AdjustmentReasonException,
    AmountOutOfRangeException,
    BelowMinimumRedemptionException,
    NotEnoughPointsException,
    PointsExpiredException,
    PointsNotOfferedException,
    PointsOutOfRangeException,
    PointsOwedException,
    PurchaseBelowMinimumException,
)

MIN_REASON_LENGTH = 3
MAX_REASON_LENGTH = 500


def scale_rate(points_per_euro: decimal.Decimal) -> int:
    """Return `points_per_euro` (at most four decimal places) as whole ten-thousandths; ValueError when it has more."""
    scaled = points_per_euro * RATE_SCALE
    if scaled != scaled.to_integral_value():
        raise ValueError("points_per_euro has more than four decimal places")
    return int(scaled)


def unscale_rate(points_rate: int) -> decimal.Decimal:
    """Return a rate in ten-thousandths as points per euro, four decimal places."""
    return decimal.Decimal(points_rate).scaleb(-4)


def points_for_purchase(amount_cents: int, points_rate: int) -> int:
    """Return floor(amount_cents * points_per_euro / 100) for a rate in ten-thousandths: 9.99 € at 1 a euro is 9."""
    return amount_cents * points_rate // (100 * RATE_SCALE)


def preview_points(rules: ProgramRules, amount_cents: int) -> int:
    """Return what a purchase would earn, 0 below the minimum purchase or in a program without points."""
    if not rules.program_type.has_points or amount_cents < max(1, rules.minimum_purchase_cents):
        return 0
    return points_for_purchase(amount_cents, rules.points_rate)


def earn_points(card: CardState, rules: ProgramRules, *, amount_cents: int, now: dt.datetime) -> Decision:
    """Return the card after a purchase of `amount_cents` earned its points; what is owed is paid first.

    A purchase that qualifies but rounds to 0 points is still booked: it is a visit and can be refunded against.
    Raises PointsNotOfferedException, AmountOutOfRangeException, PurchaseBelowMinimumException and what `require_open` refuses.
    """
    require_open(card, rules)
    if not rules.program_type.has_points:
        raise PointsNotOfferedException
    if not 1 <= amount_cents <= MAX_AMOUNT_CENTS:
        raise AmountOutOfRangeException(maximum_cents=MAX_AMOUNT_CENTS)
    if amount_cents < rules.minimum_purchase_cents:
        raise PurchaseBelowMinimumException(amount_cents=amount_cents, minimum_purchase_cents=rules.minimum_purchase_cents)
    points = points_for_purchase(amount_cents, rules.points_rate)
    if points > MAX_POINTS:
        raise AmountOutOfRangeException(maximum_cents=(MAX_POINTS * 100 * RATE_SCALE) // rules.points_rate)
    settled, expired = expiry.settle(card, rules, now)
    after, entry = book(
        settled,
        TransactionType.POINTS_EARNED,
        points=points,
        note=Note(amount_cents=amount_cents, points_rate=rules.points_rate),
        visit=Visit(at=now),
    )
    return Decision(after, (*expired, entry))


def redeem_points(card: CardState, rules: ProgramRules, *, points: int, now: dt.datetime) -> Decision:
    """Return the card after `points` (a reward's cost) were spent.

    Points collected earlier can be redeemed after the program stopped handing out points. Raises PointsOutOfRangeException,
    PointsOwedException, PointsExpiredException (due, swept or not), BelowMinimumRedemptionException, NotEnoughPointsException and
    what `require_open` refuses.
    """
    require_open(card, rules)
    if not 1 <= points <= MAX_POINTS:
        raise PointsOutOfRangeException(maximum=MAX_POINTS)
    if card.points_owed > 0:
        raise PointsOwedException(points_owed=card.points_owed)
    if expiry.is_expired(card, rules, now):
        raise PointsExpiredException(expired_at=expiry.expires_at(card, rules) or now)
    if points < rules.minimum_redemption_points:
        raise BelowMinimumRedemptionException(minimum_redemption_points=rules.minimum_redemption_points)
    if points > card.points_balance:
        raise NotEnoughPointsException(points_balance=card.points_balance, points=points)
    after, entry = book(card, TransactionType.POINTS_REDEEMED, points=-points, visit=Visit(at=now))
    return Decision(after, (entry,))


def grant_welcome_bonus(card: CardState, rules: ProgramRules, *, had_bonus: bool, was_erased_recently: bool) -> Decision | None:
    """Return the welcome bonus of a new card, or None when there is none to give.

    Once per person and merchant (`had_bonus`), and not within 12 months after an erasure (`was_erased_recently`, see
    customers.domain.returning_guard). Not an activity.
    """
    if had_bonus or was_erased_recently or rules.welcome_bonus_points == 0 or not rules.program_type.has_points:
        return None
    require_open(card, rules)
    after, entry = book(card, TransactionType.WELCOME_BONUS, points=rules.welcome_bonus_points)
    return Decision(after, (entry,))


def grant_bonus(card: CardState, *, points: int) -> Decision:
    """Return the card after a merchant gave it `points` > 0 (G5). Not an activity. Raises PointsOutOfRangeException."""
    require_usable(card)
    if not 1 <= points <= MAX_POINTS:
        raise PointsOutOfRangeException(maximum=MAX_POINTS)
    after, entry = book(card, TransactionType.BONUS_GRANTED, points=points)
    return Decision(after, (entry,))


def grant_birthday_bonus(card: CardState, rules: ProgramRules, *, points: int, now: dt.datetime) -> Decision | None:
    """Return the bonus of a birthday (C6), or None when there is none to give. Not an activity.

    None in a program without points, on a card that is not in use or full, and on one whose points have been due to expire by
    `now`: with no visit since, the next night would take the present away again.
    """
    is_given = rules.is_active and rules.program_type.has_points and card.status is CardStatus.ACTIVE and points > 0
    if not is_given or card.points_balance + points > MAX_BALANCE:
        return None
    expired_at = expiry.expires_at(card, rules)
    if expired_at is not None and expired_at <= now:
        return None
    after, entry = book(card, TransactionType.BONUS_GRANTED, points=points)
    return Decision(after, (entry,))


def adjust_points(card: CardState, *, points: int, by_platform: bool = False) -> Decision:
    """Return the card after a correction of `points`, positive or negative; 0 is refused. Not an activity.

    The platform's is an ADMIN_ADJUSTMENT. Raises PointsOutOfRangeException, and NotEnoughPointsException when more would be
    taken than there is: a correction never makes debt.
    """
    require_usable(card)
    if points == 0 or abs(points) > MAX_POINTS:
        raise PointsOutOfRangeException(maximum=MAX_POINTS)
    if -points > card.points_balance:
        raise NotEnoughPointsException(points_balance=card.points_balance, points=-points)
    kind = TransactionType.ADMIN_ADJUSTMENT if by_platform else TransactionType.POINTS_ADJUSTED
    after, entry = book(card, kind, points=points)
    return Decision(after, (entry,))


def restore_points(card: CardState, rules: ProgramRules, *, points: int, now: dt.datetime) -> Decision:
    """Return the card after the platform gave expired points back (G7): an ADMIN_ADJUSTMENT that counts as activity, so that
    they do not expire again the next night. Raises PointsOutOfRangeException."""
    require_usable(card)
    if not 1 <= points <= MAX_POINTS:
        raise PointsOutOfRangeException(maximum=MAX_POINTS)
    settled, expired = expiry.settle(card, rules, now)
    after, entry = book(settled, TransactionType.ADMIN_ADJUSTMENT, points=points, visit=Visit(at=now))
    return Decision(after, (*expired, entry))


def import_balance(card: CardState, *, stamps: int, points: int) -> Decision | None:
    """Return the card with an imported balance on top of its own (G8), or None for nothing to import. Not an activity.

    Raises PointsOutOfRangeException for negative or too large numbers.
    """
    require_usable(card)
    if not (0 <= points <= MAX_POINTS and 0 <= stamps <= MAX_POINTS):
        raise PointsOutOfRangeException(maximum=MAX_POINTS)
    if stamps == points == 0:
        return None
    after, entry = book(card, TransactionType.BALANCE_IMPORTED, stamps=stamps, points=points)
    return Decision(after, (entry,))


def clean_reason(text: str) -> str:
    """Return the reason of a correction with its spaces trimmed and collapsed; AdjustmentReasonException when too short or long."""
    reason = " ".join(text.split())
    if not MIN_REASON_LENGTH <= len(reason) <= MAX_REASON_LENGTH or not reason.isprintable():
        raise AdjustmentReasonException
    return reason
