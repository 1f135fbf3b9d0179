"""Stamps: adding them, their limits, and taking a full card for a reward (domain.md, Stamps)."""

import datetime as dt
import zoneinfo

from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.balances import CardState, Decision, Note, ProgramRules, Visit, book, require_open
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.errors import (
    DailyStampLimitException,
    NotEnoughStampsException,
    StampCooldownException,
    StampCountException,
    StampsNotOfferedException,
)

MAX_STAMPS_AT_ONCE = 100
"""The most stamps one purchase adds when the program has no daily limit: more is a slip of the finger."""


def stamps_used(card: CardState, day: dt.date) -> int:
    """Return how many stamps count against the daily limit on the store-local `day`.

    A store further west may still live on the day before the card's last stamp; it shares that later day's quota, so
    that walking between two stores around midnight gains nothing.
    """
    return card.stamps_today if card.stamps_day is not None and card.stamps_day >= day else 0


def stamp(card: CardState, rules: ProgramRules, *, count: int, now: dt.datetime, store_zone: zoneinfo.ZoneInfo) -> Decision:
    """Return the card with `count` stamps more. Stamps over the target carry over to the next card.

    `rewards_ready` of the decision is how many times the count reached a multiple of the card's target.
    Raises StampsNotOfferedException, StampCountException (count < 1 or never possible at once), StampCooldownException and
    DailyStampLimitException (both with `retry_at`), and what `require_open` refuses.
    """
    require_open(card, rules)
    if not rules.program_type.has_stamps:
        raise StampsNotOfferedException
    limit = rules.max_stamps_per_day
    maximum = MAX_STAMPS_AT_ONCE if limit is None else min(limit, MAX_STAMPS_AT_ONCE)
    if not 1 <= count <= maximum:
        raise StampCountException(maximum=maximum)
    if rules.stamp_cooldown_minutes and card.last_stamp_at is not None:
        ready_at = card.last_stamp_at + dt.timedelta(minutes=rules.stamp_cooldown_minutes)
        if now < ready_at:
            raise StampCooldownException(retry_at=ready_at, now=now)
    day = expiry.local_day(now, store_zone)
    used = stamps_used(card, day)
    if limit is not None and used + count > limit:
        raise DailyStampLimitException(retry_at=expiry.end_of_day(day, store_zone), limit=limit, remaining=max(0, limit - used))
    quota_day = day if used == 0 or card.stamps_day is None else card.stamps_day
    settled, expired = expiry.settle(card, rules, now)
    after, entry = book(
        settled,
        TransactionType.STAMP_EARNED,
        stamps=count,
        note=Note(stamps_target=card.stamps_target, quota_day=quota_day),
        visit=Visit(at=now, stamps_day=quota_day, stamps_today=used + count),
    )
    return Decision(after, (*expired, entry), after.rewards_ready - card.rewards_ready)


def redeem_stamps(card: CardState, rules: ProgramRules, *, now: dt.datetime) -> Decision:
    """Return the card after `stamps_target` stamps were taken for one reward.

    The card's own target counts; from now on the program's present one does ("a changed target applies to cards from their
    next redeem on"). Should that make further rewards ready at once, `rewards_ready` says how many. Stamps collected earlier can
    be redeemed after the program stopped handing out stamps. Raises NotEnoughStampsException and what `require_open` refuses.
    """
    require_open(card, rules)
    target = card.stamps_target
    if card.stamp_count < target:
        raise NotEnoughStampsException(stamp_count=card.stamp_count, stamps_target=target)
    settled, expired = expiry.settle(card, rules, now)
    after, entry = book(
        settled,
        TransactionType.STAMP_REDEEMED,
        stamps=-target,
        note=Note(stamps_target=target),
        visit=Visit(at=now),
        stamps_target=rules.stamps_target,
    )
    return Decision(after, (*expired, entry), max(0, after.rewards_ready - (card.rewards_ready - 1)))
