"""Sentences of loyalty's mails that hold a number or a name, in the current language. Whole sentences: plurals and word order differ."""

import datetime as dt

from app.core.i18n import _, formatting, ngettext
from app.modules.loyalty.domain import program as progress
from app.modules.loyalty.queries.mail_facts import MailFacts
from app.modules.messaging.public import stamp_row


def count_points(points: int) -> str:
    """Return `1 point`, `1,250 points`."""
    return ngettext("%(points)s point", "%(points)s points", points, points=formatting.number(points))


def balance(facts: MailFacts) -> str:
    """Return a card's balance in circles and words."""
    parts = []
    if facts.program_type.has_stamps:
        stamps = progress.stamp_progress(facts.state)
        is_just_full = stamps.filled == 0 and stamps.rewards_ready > 0  # shown as the full card that it is, not as an empty next one
        parts.append(stamp_row(stamps.target if is_just_full else stamps.filled, stamps.target))
    if facts.program_type.has_points:
        parts.append(count_points(facts.state.points_balance))
    return " · ".join(parts) or _("Welcome")


def welcome(points: int) -> str:
    """Return what the enrollment's mail says of a welcome bonus; nothing when there was none."""
    if points == 0:
        return ""
    return ngettext(
        "As a welcome, %(points)s point is already on it.",
        "As a welcome, %(points)s points are already on it.",
        points,
        points=formatting.number(points),
    )


def welcome_gift(points: int) -> str:
    """Return that the card was given points as a welcome."""
    return ngettext(
        "As a welcome, we have added %(points)s point to your card.",
        "As a welcome, we have added %(points)s points to your card.",
        points,
        points=formatting.number(points),
    )


def bonus_gift(points: int) -> str:
    """Return that the card was given points for no particular reason."""
    return ngettext(
        "We have added %(points)s point to your card as a gift.",
        "We have added %(points)s points to your card as a gift.",
        points,
        points=formatting.number(points),
    )


def birthday_gift(points: int) -> str:
    """Return that the card was given points for a birthday; nothing when it was not."""
    if points == 0:
        return ""
    return ngettext(
        "As a present, we have added %(points)s point to your card.",
        "As a present, we have added %(points)s points to your card.",
        points,
        points=formatting.number(points),
    )


def expiring(points: int, expires_on: dt.date) -> str:
    """Return how many points expire at the end of which day."""
    return ngettext(
        "%(points)s point on your card expires at the end of %(day)s.",
        "%(points)s points on your card expire at the end of %(day)s.",
        points,
        points=formatting.number(points),
        day=formatting.date(expires_on, width="long"),
    )


def expired(points: int) -> str:
    """Return how many points have expired, and why."""
    return ngettext(
        "%(points)s point on your card has expired, as the card had not been used for a long time.",
        "%(points)s points on your card have expired, as the card had not been used for a long time.",
        points,
        points=formatting.number(points),
    )


def rewards_waiting(rewards: int, reward: str) -> str:
    """Return that full stamp cards wait to be redeemed for `reward`, which may be unnamed."""
    if reward:
        return ngettext(
            "A reward is waiting for you: %(reward)s.",
            "%(num)s rewards are waiting for you, each of them: %(reward)s.",
            rewards,
            num=formatting.number(rewards),
            reward=reward.rstrip(". "),
        )
    return ngettext("A reward is waiting for you.", "%(num)s rewards are waiting for you.", rewards, num=formatting.number(rewards))


def next_step(facts: MailFacts) -> str:
    """Return what the holder can get, or how far it is: the nearest of what the program offers."""
    state, has_points = facts.state, facts.program_type.has_points
    if facts.program_type.has_stamps and state.rewards_ready:
        return rewards_waiting(state.rewards_ready, facts.stamp_reward)
    if has_points and facts.reward_name and facts.reward_cost and state.points_owed == 0 and state.points_balance >= facts.reward_cost:
        return _("You have enough points for this reward: %(reward)s.", reward=facts.reward_name.rstrip(". "))
    if facts.program_type.has_stamps and (stamps := progress.stamp_progress(state)).filled:
        return ngettext(
            "%(num)s more stamp, and your stamp card is full.",
            "%(num)s more stamps, and your stamp card is full.",
            stamps.missing,
            num=formatting.number(stamps.missing),
        )
    if has_points and facts.reward_name and facts.reward_cost and state.points_balance:
        missing = facts.reward_cost - state.net_points
        return ngettext(
            "%(points)s more point, and this reward is yours: %(reward)s.",
            "%(points)s more points, and this reward is yours: %(reward)s.",
            missing,
            points=formatting.number(missing),
            reward=facts.reward_name.rstrip(". "),
        )
    return _("Collect again at your next visit.")
