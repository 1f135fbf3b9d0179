"""What loyalty refuses and why. Codes are part of the API; sentences are msgids and say what to do next."""

import math
import uuid
from datetime import datetime
from typing import Any

from app.core.errors import N_, Conflict, Forbidden, Gone, Invalid, LockedUntil, NotFound, retry_params


class LoyaltyRuleException(Conflict):
    """A loyalty rule refuses the action in the present state; nothing changed.

    `retry_at` is the UTC instant from which the same action is possible, where waiting helps; it is also in `params`.
    """

    retry_at: datetime | None = None


class _RetryLaterException(LoyaltyRuleException):
    def __init__(self, *, retry_at: datetime, **params: int) -> None:
        super().__init__(params={**params, **retry_params(retry_at)})
        self.retry_at = retry_at


class ProgramNotFoundException(NotFound):
    """The merchant has no such program, or none that is live."""

    code = "program_not_found"
    message = N_("There is no loyalty program here.")


class CardNotFoundException(NotFound):
    """No card that the caller may see matches."""

    code = "card_not_found"
    message = N_("We could not find that card. Check the number or look the customer up by e-mail.")


class TransactionNotFoundException(NotFound):
    """No transaction that the caller may see matches."""

    code = "transaction_not_found"
    message = N_("We could not find that transaction.")


class RewardNotFoundException(NotFound):
    """No such reward, or it is no longer offered."""

    code = "reward_not_found"
    message = N_("This reward does not exist any more. Please choose another one.")


class PinNotFoundException(NotFound):
    """No PIN that the caller may see matches."""

    code = "pin_not_found"
    message = N_("We could not find that PIN.")


class TerminalNotFoundException(NotFound):
    """No terminal that the caller may see matches."""

    code = "terminal_not_found"
    message = N_("We could not find that terminal.")


class LoyaltyCardAlreadyExistsException(Conflict):
    """The person already holds a card where the merchant allows only one (A4).

    `card` is that card, for the caller alone: nothing of it is in `params`, as a stranger may have typed the e-mail (G9).
    """

    code = "card_already_exists"
    message = N_("This customer already has a card. Please use the existing card.")

    def __init__(self, card: Any) -> None:
        super().__init__()
        self.card = card


class CardRestoreConflictException(Conflict):
    """A trashed card cannot come back while the customer holds another live card; `params` name that one."""

    code = "card_restore_conflict"
    message = N_("This customer has a new card, number %(live_card_number)s. Delete or merge that card before you restore the old one.")

    def __init__(self, *, live_card_id: uuid.UUID, live_card_number: str) -> None:
        super().__init__(params={"live_card_id": str(live_card_id), "live_card_number": live_card_number})


class CardInactiveException(LoyaltyRuleException):
    """The card is deactivated."""

    code = "card_inactive"
    message = N_("This card is deactivated. Please ask a manager to activate it.")


class CardMergedException(LoyaltyRuleException):
    """The card was merged into another one, which holds its balance now."""

    code = "card_merged"
    message = N_("This card was merged into another card of the same customer. Please use that card.")


class ProgramInactiveException(LoyaltyRuleException):
    """The merchant has paused the program."""

    code = "program_inactive"
    message = N_("The loyalty program is paused at the moment.")


class StampsNotOfferedException(LoyaltyRuleException):
    """The program hands out no stamps."""

    code = "stamps_not_offered"
    message = N_("This program does not use stamps. Please add points instead.")


class PointsNotOfferedException(LoyaltyRuleException):
    """The program hands out no points."""

    code = "points_not_offered"
    message = N_("This program does not use points. Please add a stamp instead.")


class BalanceLimitException(LoyaltyRuleException):
    """The result would leave the range in which balances are kept."""

    code = "balance_limit"
    message = N_("That is more than a card can hold. Please check the number.")


class NothingToMergeException(LoyaltyRuleException):
    """A merge needs at least two cards of one customer."""

    code = "nothing_to_merge"
    message = N_("This customer has only one card, so there is nothing to merge.")


class CardsPerStoreException(LoyaltyRuleException):
    """Cards belong to one store each (A1 off), so several cards of one person are meant."""

    code = "cards_per_store"
    message = N_("Each store has its own cards at the moment. Please switch on one card for all stores first.")


class MergeRunningException(Conflict):
    """The merchant's cards are being merged already."""

    code = "merge_running"
    message = N_("The cards are already being merged. Please wait until that has finished.")


class MergeRunNotFoundException(NotFound):
    """No such run at this merchant."""

    code = "merge_not_found"
    message = N_("We could not find that merge.")


class ProgramInvalidException(Invalid):
    """Program settings that break a bound or contradict each other; `fields` names each."""

    code = "program_invalid"


class StampCountException(LoyaltyRuleException):
    """More stamps at once than the program ever allows; waiting does not help."""

    code = "stamp_count_out_of_range"
    message = N_("That is too many at once. Largest number of stamps: %(maximum)s.")

    def __init__(self, *, maximum: int) -> None:
        super().__init__(params={"maximum": maximum})


class StampCooldownException(_RetryLaterException):
    """The card was stamped less than the program's cool-down ago."""

    code = "stamp_cooldown"
    message = N_("This card was stamped a moment ago. The next stamp is possible in %(wait_minutes)s min.")

    def __init__(self, *, retry_at: datetime, now: datetime) -> None:
        super().__init__(retry_at=retry_at, wait_minutes=math.ceil((retry_at - now).total_seconds() / 60))


class DailyStampLimitException(_RetryLaterException):
    """The card's stamps of the store's local day would exceed the daily limit; `retry_at` is the next local day's start."""

    code = "daily_stamp_limit"
    message = N_("The daily limit for stamps is %(limit)s; left today: %(remaining)s. Please try again tomorrow.")

    def __init__(self, *, retry_at: datetime, limit: int, remaining: int) -> None:
        super().__init__(retry_at=retry_at, limit=limit, remaining=remaining)


class NotEnoughStampsException(LoyaltyRuleException):
    """The card is not full yet."""

    code = "not_enough_stamps"
    message = N_("The card is not full yet. Stamps still missing: %(missing)s.")

    def __init__(self, *, stamp_count: int, stamps_target: int) -> None:
        super().__init__(params={"stamp_count": stamp_count, "stamps_target": stamps_target, "missing": stamps_target - stamp_count})


class PurchaseBelowMinimumException(LoyaltyRuleException):
    """The purchase is too small to earn points; `minimum_purchase_cents` is what would qualify."""

    code = "purchase_below_minimum"
    message = N_("This purchase is too small to earn points.")

    def __init__(self, *, amount_cents: int, minimum_purchase_cents: int) -> None:
        super().__init__(params={"amount_cents": amount_cents, "minimum_purchase_cents": minimum_purchase_cents})


class AmountOutOfRangeException(LoyaltyRuleException):
    """The amount is not one that a till can produce, or would earn more points than one row may hold."""

    code = "amount_out_of_range"
    message = N_("Please check the amount: it is outside of what is possible.")

    def __init__(self, *, maximum_cents: int) -> None:
        super().__init__(params={"maximum_cents": maximum_cents})


class PointsOutOfRangeException(LoyaltyRuleException):
    """The number of points is zero, has the wrong sign or is beyond what one row may hold."""

    code = "points_out_of_range"
    message = N_("Please check the number of points. Largest number at once: %(maximum)s.")

    def __init__(self, *, maximum: int) -> None:
        super().__init__(params={"maximum": maximum})


class BulkPreviewChangedException(LoyaltyRuleException):
    """The filter means another number of cards than when the caller looked; `params`: `cards` now, and `points_in_all`."""

    code = "bulk_preview_changed"
    message = N_("In the meantime the number of cards has changed to %(cards)s. Please check the number of points and confirm again.")


class OrderAlreadyEarnedException(LoyaltyRuleException):
    """An `order_reference` earns once per store."""

    code = "order_already_earned"
    message = N_("This purchase has already earned its points.")


class NotEnoughPointsException(LoyaltyRuleException):
    """The balance does not cover it."""

    code = "not_enough_points"
    message = N_("There are not enough points on this card. Points still missing: %(missing)s.")

    def __init__(self, *, points_balance: int, points: int) -> None:
        super().__init__(params={"points_balance": points_balance, "points": points, "missing": points - points_balance})


class BelowMinimumRedemptionException(LoyaltyRuleException):
    """Fewer points than the program lets anybody redeem at once."""

    code = "below_minimum_redemption"
    message = N_("That is too few points to redeem. Smallest number: %(minimum_redemption_points)s.")

    def __init__(self, *, minimum_redemption_points: int) -> None:
        super().__init__(params={"minimum_redemption_points": minimum_redemption_points})


class PointsOwedException(LoyaltyRuleException):
    """Nothing can be redeemed while points are owed."""

    code = "points_owed"
    message = N_("Points from a cancelled purchase have to be earned back first. Still open: %(points_owed)s.")

    def __init__(self, *, points_owed: int) -> None:
        super().__init__(params={"points_owed": points_owed})


class PointsExpiredException(LoyaltyRuleException):
    """The balance was due to expire before now, whether or not the nightly run has booked it."""

    code = "points_expired"
    message = N_("The points of this card have expired.")

    def __init__(self, *, expired_at: datetime) -> None:
        super().__init__(params={"expired_at": expired_at.isoformat()})


class AdjustmentReasonException(Invalid):
    """An adjustment needs a reason that a person can read later."""

    code = "adjustment_reason_required"
    message = N_("Please give a reason for the correction.")

    def __init__(self) -> None:
        super().__init__(fields={"reason": N_("Please give a reason in 3 to 500 characters.")})


class TransactionNotVoidableException(LoyaltyRuleException):
    """Only earned or redeemed stamps and points can be voided; voids, bonuses and corrections cannot."""

    code = "transaction_not_voidable"
    message = N_("This entry cannot be undone. A manager can correct the balance instead.")


class TransactionAlreadyVoidedException(LoyaltyRuleException):
    """The row was voided before; each row is reversed at most once."""

    code = "transaction_already_voided"
    message = N_("This entry has already been undone.")


class PointsAlreadySpentException(LoyaltyRuleException):
    """The earned points are no longer all there and the merchant's policy is to block."""

    code = "points_already_spent"
    message = N_("Some of these points have already been spent (missing: %(missing)s). Cancel the redemption first, or ask a manager.")

    def __init__(self, *, missing: int) -> None:
        super().__init__(params={"missing": missing})


class StampsAlreadySpentException(LoyaltyRuleException):
    """The stamps were already turned into a reward."""

    code = "stamps_already_spent"
    message = N_("Some of these stamps have already been redeemed (missing: %(missing)s). Cancel the redemption first, or ask a manager.")

    def __init__(self, *, missing: int) -> None:
        super().__init__(params={"missing": missing})


class TransactionNotRefundableException(LoyaltyRuleException):
    """Only the points of a purchase, not voided, can be refunded."""

    code = "transaction_not_refundable"
    message = N_("Only a purchase that earned points can be refunded.")


class RefundExceedsPurchaseException(LoyaltyRuleException):
    """More money is given back than the purchase has left."""

    code = "refund_exceeds_purchase"
    message = N_("The refund is larger than what is left of this purchase.")

    def __init__(self, *, refundable_cents: int) -> None:
        super().__init__(params={"refundable_cents": refundable_cents})


class PinRequiredException(Forbidden):
    """The action needs a staff member's PIN, or the PIN again."""

    code = "pin_required"
    message = N_("Please choose your name and enter your PIN.")


class ManagerPinRequiredException(Forbidden):
    """The action needs a manager's PIN."""

    code = "manager_pin_required"
    message = N_("A manager has to enter their PIN for this.")


class PinWrongException(Forbidden):
    """The PIN does not match. The raised counter of wrong tries outlives the refusal."""

    code = "pin_wrong"
    message = N_("This PIN is not right. Please try again.")
    keeps_work = True

    def __init__(self, *, tries_left: int) -> None:
        super().__init__(params={"tries_left": tries_left})


class PinLockedException(LockedUntil):
    """Too many wrong tries; also the right PIN is refused until `retry_at`, unless a manager unlocks it."""

    code = "pin_locked"
    message = N_("Too many wrong tries. This PIN is locked for %(wait_minutes)s min, or until a manager unlocks it.")


class PinWeakException(Invalid):
    """The chosen PIN is too easy to guess or has the wrong length."""

    code = "pin_weak"

    def __init__(self, sentence: str) -> None:
        super().__init__(fields={"pin": sentence})


class PairingCodeException(Gone):
    """The pairing code is unknown, used or older than ten minutes: the three are told apart by nobody."""

    code = "pairing_code_invalid"
    message = N_("This code is not valid any more. Please create a new one in the merchant panel.")
    keeps_work = True
