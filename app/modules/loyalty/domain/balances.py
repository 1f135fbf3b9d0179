"""A card's balances and the one function that changes them.

Every rule of stamps, points, voids, expiry and merging ends in `book`, so that for each row, by construction:
points_delta = change of (points_balance - points_owed), stamps_delta = change of stamp_count, nothing is negative, and
points are never owed while there is a balance to pay them from (domain.md, Voids and corrections).

The classes are plain slotted dataclasses: the ledger makes a few of them for each stamp.
"""

import dataclasses
import datetime as dt
import uuid
import zoneinfo

from app.modules.loyalty.domain.enums import CardStatus, ProgramType, TransactionType, VoidPolicy
from app.modules.loyalty.errors import BalanceLimitException, CardInactiveException, CardMergedException, ProgramInactiveException

MAX_BALANCE = 1_000_000_000
"""The most points or stamps a card holds or owes; far above any program, below what an integer column takes."""

RATE_SCALE = 10_000
"""Points per euro are kept as whole ten-thousandths: exact for a purchase of any size, and 0.1 (1 point per 10 €) or
0.0125 (1 per 80 €) are whole numbers. A float would not be exact, a Decimal is slower and needs a context."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRules:
    """What a program and its merchant prescribe (B1). Made once per program version, shared by all its cards.

    `points_rate` is points per euro in ten-thousandths (see `points.scale_rate`). `zone` is the merchant's time zone, for expiry;
    daily limits use the store's. `expiration_changed_at` is when `points_expiration_days` last changed on an existing program.
    """

    program_type: ProgramType
    zone: zoneinfo.ZoneInfo
    is_active: bool = True
    stamps_target: int = 10
    stamp_cooldown_minutes: int = 0
    max_stamps_per_day: int | None = None
    points_rate: int = RATE_SCALE
    welcome_bonus_points: int = 0
    minimum_purchase_cents: int = 0
    minimum_redemption_points: int = 0
    points_expiration_days: int | None = None
    expiration_changed_at: dt.datetime | None = None
    void_policy: VoidPolicy = VoidPolicy.BLOCK


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CardState:
    """A card as the rules see it, read under its lock.

    `stamps_target` is the target this card was promised; a changed program target replaces it at the card's next redeem.
    `last_activity_at` is the last earn or redeem with the customer present, at first the instant of enrollment.
    `stamps_today` stamps were added on the store-local day `stamps_day`. Totals only grow, except that cancelling a redemption
    takes back what it added: points_balance - points_owed = earned - redeemed - voided, and likewise for stamps.
    """

    stamps_target: int
    last_activity_at: dt.datetime
    status: CardStatus = CardStatus.ACTIVE
    stamp_count: int = 0
    points_balance: int = 0
    points_owed: int = 0
    last_stamp_at: dt.datetime | None = None
    stamps_day: dt.date | None = None
    stamps_today: int = 0
    first_visit_at: dt.datetime | None = None
    visit_count: int = 0
    last_expiration_warning_at: dt.datetime | None = None
    total_stamps_earned: int = 0
    total_stamps_redeemed: int = 0
    total_stamps_voided: int = 0
    total_points_earned: int = 0
    total_points_redeemed: int = 0
    total_points_voided: int = 0

    @property
    def net_points(self) -> int:
        """Points held less points owed: the sum of `points_delta` over the card's rows."""
        return self.points_balance - self.points_owed

    @property
    def rewards_ready(self) -> int:
        """How many full stamp cards wait to be redeemed."""
        return self.stamp_count // self.stamps_target


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row to write to the card's history, and the balances after it.

    `owed_delta` is the change of points_owed inside `points_delta` (negative: debt was paid). `points_forgiven` and
    `stamps_forgiven` are what a void could not take and let go. `points_rate` and `stamps_target` are the rule the row was made
    by; `quota_day` is the store-local day whose daily limit its stamps count against.
    """

    type: TransactionType
    stamps_delta: int
    points_delta: int
    owed_delta: int
    stamps_after: int
    points_after: int
    owed_after: int
    points_forgiven: int = 0
    stamps_forgiven: int = 0
    amount_cents: int | None = None
    points_rate: int | None = None
    stamps_target: int | None = None
    quota_day: dt.date | None = None
    reverses_id: uuid.UUID | None = None
    refunds_id: uuid.UUID | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What a rule decided: the rows to write in this order (one, or two when due points expire first), the card after them,
    and how many stamp rewards became ready."""

    card: CardState
    entries: tuple[Entry, ...]
    rewards_ready: int = 0

    @property
    def entry(self) -> Entry:
        """The row the caller asked for; rows before it are consequences, such as a due expiry."""
        return self.entries[-1]


_EARNED, _REDEEMED, _VOIDED, _MOVED = range(4)

_BUCKETS: dict[TransactionType, int] = {
    TransactionType.WELCOME_BONUS: _EARNED,
    TransactionType.BONUS_GRANTED: _EARNED,
    TransactionType.STAMP_EARNED: _EARNED,
    TransactionType.POINTS_EARNED: _EARNED,
    TransactionType.BALANCE_IMPORTED: _EARNED,
    TransactionType.STAMP_REDEEMED: _REDEEMED,
    TransactionType.POINTS_REDEEMED: _REDEEMED,
    TransactionType.REDEMPTION_CANCELLED: _REDEEMED,
    TransactionType.STAMP_VOIDED: _VOIDED,
    TransactionType.POINTS_VOIDED: _VOIDED,
    TransactionType.POINTS_REFUNDED: _VOIDED,
    TransactionType.POINTS_EXPIRED: _VOIDED,
    TransactionType.MERGE_IN: _MOVED,
    TransactionType.MERGE_OUT: _MOVED,
}


def _bucket(kind: TransactionType, points: int) -> int:
    """Return which total a row of type `kind` adds to; a correction counts as earned or voided by its sign."""
    bucket = _BUCKETS.get(kind)
    if bucket is None:
        return _EARNED if points > 0 else _VOIDED
    return bucket


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a row says besides its deltas; the fields are those of `Entry`."""

    points_forgiven: int = 0
    stamps_forgiven: int = 0
    amount_cents: int | None = None
    points_rate: int | None = None
    stamps_target: int | None = None
    quota_day: dt.date | None = None
    reverses_id: uuid.UUID | None = None
    refunds_id: uuid.UUID | None = None


_NO_NOTE = Note()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The customer stood at the counter at `at`; for stamps, the day and the count on it after this row."""

    at: dt.datetime
    stamps_day: dt.date | None = None
    stamps_today: int = 0


def book(
    card: CardState,
    kind: TransactionType,
    *,
    stamps: int = 0,
    points: int = 0,
    note: Note = _NO_NOTE,
    visit: Visit | None = None,
    stamps_target: int | None = None,
    may_owe: bool = False,
) -> tuple[CardState, Entry]:
    """Return `card` after a row of type `kind` with these deltas, and the row.

    Points first pay what is owed. `visit` marks the row as activity of the customer; `stamps_target` gives the card a new target.
    Raises BalanceLimitException beyond MAX_BALANCE, and ValueError when the caller's rule would make stamps negative or,
    without `may_owe`, raise the debt: those are bugs, not refusals.
    """
    stamp_count = card.stamp_count + stamps
    net = card.points_balance - card.points_owed + points
    balance, owed = (net, 0) if net >= 0 else (0, -net)
    if stamp_count < 0 or (owed > card.points_owed and not may_owe):
        raise ValueError(f"{kind} of {stamps} stamps and {points} points on {card.stamp_count} and {card.net_points}")
    if stamp_count > MAX_BALANCE or balance > MAX_BALANCE or owed > MAX_BALANCE:
        raise BalanceLimitException
    bucket = _bucket(kind, points)
    stamping = visit if visit is not None and visit.stamps_day is not None else None
    after = CardState(
        stamps_target=card.stamps_target if stamps_target is None else stamps_target,
        last_activity_at=card.last_activity_at if visit is None else max(visit.at, card.last_activity_at),
        status=card.status,
        stamp_count=stamp_count,
        points_balance=balance,
        points_owed=owed,
        last_stamp_at=card.last_stamp_at if stamping is None else max(stamping.at, card.last_stamp_at or stamping.at),
        stamps_day=card.stamps_day if stamping is None else stamping.stamps_day,
        stamps_today=card.stamps_today if stamping is None else stamping.stamps_today,
        first_visit_at=card.first_visit_at if visit is None or card.first_visit_at is not None else visit.at,
        visit_count=card.visit_count + (visit is not None),
        last_expiration_warning_at=card.last_expiration_warning_at,
        total_stamps_earned=card.total_stamps_earned + (stamps if bucket == _EARNED else 0),
        total_stamps_redeemed=card.total_stamps_redeemed - (stamps if bucket == _REDEEMED else 0),
        total_stamps_voided=card.total_stamps_voided - (stamps if bucket == _VOIDED else 0),
        total_points_earned=card.total_points_earned + (points if bucket == _EARNED else 0),
        total_points_redeemed=card.total_points_redeemed - (points if bucket == _REDEEMED else 0),
        total_points_voided=card.total_points_voided - (points if bucket == _VOIDED else 0),
    )
    entry = Entry(
        type=kind,
        stamps_delta=stamps,
        points_delta=points,
        owed_delta=owed - card.points_owed,
        stamps_after=stamp_count,
        points_after=balance,
        owed_after=owed,
        points_forgiven=note.points_forgiven,
        stamps_forgiven=note.stamps_forgiven,
        amount_cents=note.amount_cents,
        points_rate=note.points_rate,
        stamps_target=note.stamps_target,
        quota_day=note.quota_day,
        reverses_id=note.reverses_id,
        refunds_id=note.refunds_id,
    )
    return after, entry


def require_usable(card: CardState) -> None:
    """Refuse a card that is deactivated or merged (CardInactiveException, CardMergedException)."""
    if card.status is CardStatus.ACTIVE:
        return
    if card.status is CardStatus.MERGED:
        raise CardMergedException
    raise CardInactiveException


def require_open(card: CardState, rules: ProgramRules) -> None:
    """Refuse an unusable card or a paused program (ProgramInactiveException) for earning and redeeming."""
    require_usable(card)
    if not rules.is_active:
        raise ProgramInactiveException
