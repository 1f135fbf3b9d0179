"""A program's settings: which are possible, and what a card's progress looks like to people."""

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable

from app.core.errors import N_
from app.core.money import MAX_AMOUNT_CENTS, MAX_POINTS
from app.modules.loyalty.domain.balances import RATE_SCALE, CardState
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.errors import ProgramInvalidException

MAX_STAMPS_TARGET = 100
MAX_COOLDOWN_MINUTES = 7 * 24 * 60
MAX_STAMPS_PER_DAY = 100
MAX_POINTS_RATE = 1_000 * RATE_SCALE
MIN_EXPIRATION_DAYS, MAX_EXPIRATION_DAYS = 30, 3_650
MIN_REENGAGEMENT_DAYS, MAX_REENGAGEMENT_DAYS = 14, 730
DEFAULT_REENGAGEMENT_DAYS = 60
MAX_NAME_LENGTH = 60

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSettings:
    """The settings a merchant edits (B1), as far as rules bind them; `points_rate` in ten-thousandths of a point per euro."""

    program_type: ProgramType
    card_name: str
    card_colour: str
    stamps_target: int
    stamp_cooldown_minutes: int
    max_stamps_per_day: int | None
    points_rate: int
    welcome_bonus_points: int
    minimum_purchase_cents: int
    minimum_redemption_points: int
    points_expiration_days: int | None
    reengagement_days: int = DEFAULT_REENGAGEMENT_DAYS
    birthday_bonus_points: int = 0


def program_problems(settings: ProgramSettings) -> dict[str, str]:
    """Return a sentence (msgid) for each setting that is out of bounds or contradicts another; empty when all is well."""
    problems: dict[str, str] = {}

    def check(is_fine: bool, field: str, sentence: str) -> None:
        if not is_fine:
            problems.setdefault(field, sentence)

    name = settings.card_name
    check(1 <= len(name.strip()) <= MAX_NAME_LENGTH and name.isprintable(), "card_name", N_("Please use 1 to 60 characters."))
    check(_COLOUR.fullmatch(settings.card_colour) is not None, "card_colour", N_("Please choose a colour such as #12654b."))
    check(1 <= settings.stamps_target <= MAX_STAMPS_TARGET, "stamps_target", N_("Please choose a number from 1 to 100."))
    check(
        0 <= settings.stamp_cooldown_minutes <= MAX_COOLDOWN_MINUTES,
        "stamp_cooldown_minutes",
        N_("Please choose 0 to 10080 minutes (one week)."),
    )
    daily = settings.max_stamps_per_day
    check(daily is None or 1 <= daily <= MAX_STAMPS_PER_DAY, "max_stamps_per_day", N_("Please choose a number from 1 to 100."))
    check(
        0 <= settings.points_rate <= MAX_POINTS_RATE,
        "points_per_euro",
        N_("Please choose a number from 0 to 1000, with at most four decimal places."),
    )
    check(
        0 <= settings.welcome_bonus_points <= MAX_POINTS,
        "welcome_bonus_points",
        N_("Please choose a number from 0 to 1,000,000."),
    )
    check(
        0 <= settings.minimum_purchase_cents <= MAX_AMOUNT_CENTS,
        "minimum_purchase_cents",
        N_("Please choose an amount from 0 to 1,000,000 euros."),
    )
    check(
        0 <= settings.minimum_redemption_points <= MAX_POINTS,
        "minimum_redemption_points",
        N_("Please choose a number from 0 to 1,000,000."),
    )
    days = settings.points_expiration_days
    check(
        days is None or MIN_EXPIRATION_DAYS <= days <= MAX_EXPIRATION_DAYS,
        "points_expiration_days",
        N_("Please choose 30 to 3650 days, or leave it empty for points that never expire."),
    )
    check(
        MIN_REENGAGEMENT_DAYS <= settings.reengagement_days <= MAX_REENGAGEMENT_DAYS,
        "reengagement_days",
        N_("Please choose 14 to 730 days."),
    )
    check(
        0 <= settings.birthday_bonus_points <= MAX_POINTS,
        "birthday_bonus_points",
        N_("Please choose a number from 0 to 1,000,000."),
    )
    if not problems:
        _check_together(settings, problems)
    return problems


def _check_together(settings: ProgramSettings, problems: dict[str, str]) -> None:
    """Add the settings that are fine alone but make no sense together."""
    if not settings.program_type.has_points and settings.welcome_bonus_points > 0:
        problems.setdefault("welcome_bonus_points", N_("A program without points cannot give a welcome bonus. Please enter 0."))
    if not settings.program_type.has_points and settings.birthday_bonus_points > 0:
        problems.setdefault("birthday_bonus_points", N_("A program without points cannot give points for a birthday. Please enter 0."))
    if settings.program_type.has_points and settings.points_rate == 0 and settings.welcome_bonus_points == 0:
        problems.setdefault("points_per_euro", N_("Nobody could ever earn a point. Please enter points per euro."))
    if settings.program_type.has_stamps and settings.max_stamps_per_day not in (None, 1) and settings.stamp_cooldown_minutes >= 24 * 60:
        problems.setdefault(
            "max_stamps_per_day", N_("With a pause of a day or more between stamps, choose 1 stamp a day or no daily limit.")
        )


def require_valid_program(settings: ProgramSettings) -> None:
    """Raise ProgramInvalidException naming every field of `program_problems`."""
    problems = program_problems(settings)
    if problems:
        raise ProgramInvalidException(fields=problems)


def reward_problems(*, name: str, cost_points: int, minimum_redemption_points: int) -> dict[str, str]:
    """Return a sentence for each field of a points reward that is wrong; its cost must be one that can be redeemed."""
    problems: dict[str, str] = {}
    if not 1 <= len(name.strip()) <= MAX_NAME_LENGTH or not name.isprintable():
        problems["name"] = N_("Please use 1 to 60 characters.")
    if not 1 <= cost_points <= MAX_POINTS:
        problems["cost_points"] = N_("Please choose a number from 1 to 1,000,000.")
    elif cost_points < minimum_redemption_points:
        problems["cost_points"] = N_("This is below the smallest number of points that the program lets customers redeem.")
    return problems


def expiration_changed_at(
    old_days: int | None, new_days: int | None, *, now: dt.datetime, before: dt.datetime | None
) -> dt.datetime | None:
    """Return the new `ProgramRules.expiration_changed_at` when an existing program's period goes from `old_days` to `new_days`:
    `now` for any change, the value `before` for none."""
    return before if old_days == new_days else now


@dataclasses.dataclass(frozen=True, slots=True)
class StampProgress:
    """A stamp card as a picture: full cards waiting, and filled and missing fields of the card being collected."""

    target: int
    filled: int
    missing: int
    rewards_ready: int


def stamp_progress(card: CardState) -> StampProgress:
    """Return the progress of the card's stamps: 12 of 10 is one reward ready and 2 on the next card."""
    ready, filled = divmod(card.stamp_count, card.stamps_target)
    return StampProgress(card.stamps_target, filled, card.stamps_target - filled, ready)


@dataclasses.dataclass(frozen=True, slots=True)
class PointsProgress:
    """Points to the next reward: how many rewards the balance covers, the next cost above it and what is missing.

    `next_cost` and `missing` are None when the balance covers every reward, or there is none.
    """

    affordable: int
    next_cost: int | None
    missing: int | None


def points_progress(balance: int, costs: Iterable[int], *, minimum_redemption_points: int = 0) -> PointsProgress:
    """Return the progress of `balance` points towards rewards of these costs in points; a cost below the minimum counts as it."""
    needed = sorted(max(cost, minimum_redemption_points) for cost in costs)
    affordable = sum(cost <= balance for cost in needed)
    next_cost = next((cost for cost in needed if cost > balance), None)
    return PointsProgress(affordable, next_cost, None if next_cost is None else next_cost - balance)
