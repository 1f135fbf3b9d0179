"""PINs of staff: which are too weak, when they lock, and which action asks for whose (domain.md, PINs and terminals)."""

import dataclasses
import datetime as dt
import enum
import itertools
import uuid

from app.core.errors import N_
from app.modules.loyalty.domain.enums import PinDemand, PinPolicy, PinRole, TerminalAction
from app.modules.loyalty.errors import PinLockedException, PinWeakException

DEFAULT_PIN_LENGTH = 6
SHORT_PIN_LENGTH = 4
MAX_TRIES = 5
LOCK_MINUTES = 15
DEFAULT_UNLOCK_MINUTES = 5

_COMMON = frozenset(
    {
        "1004", "1122", "1212", "1313", "2000", "2001", "2580", "0852", "1010", "6969", "4200", "1342",
        "102030", "112233", "121212", "123123", "123321", "131313", "142536", "147258", "147852", "159357", "159753",
        "246810", "258456", "321321", "456123", "520520", "654123", "696969", "741852", "753951", "789456", "852456",
        "987456", "963852", "741963", "111222", "112211", "112358", "314159", "271828", "007007",
    }
)  # fmt: skip
"""The tops of published frequency lists that no rule below catches, keypad patterns included."""


class PinProblem(enum.StrEnum):
    """Why a PIN is refused."""

    LENGTH = "length"
    REPEATED = "repeated"
    SEQUENCE = "sequence"
    DATE = "date"
    COMMON = "common"


PIN_SENTENCES: dict[PinProblem, str] = {
    PinProblem.LENGTH: N_("Please use digits only, as many as the fields show."),
    PinProblem.REPEATED: N_("This PIN repeats itself. Please choose a less regular one."),
    PinProblem.SEQUENCE: N_("This PIN counts up or down. Please choose a less regular one."),
    PinProblem.DATE: N_("This PIN looks like a date or a year. Please choose another one."),
    PinProblem.COMMON: N_("This PIN is one of the first that people try. Please choose another one."),
}


def pin_problem(pin: str, *, length: int = DEFAULT_PIN_LENGTH) -> PinProblem | None:
    """Return why `pin` is refused, or None. `length` is the merchant's choice of 6 or 4 digits."""
    if len(pin) != length or not (pin.isascii() and pin.isdigit()):
        return PinProblem.LENGTH
    if len(set(pin)) <= max(1, length // 3) or _is_periodic(pin):
        return PinProblem.REPEATED
    if _is_sequence(pin):
        return PinProblem.SEQUENCE
    if _is_date(pin):
        return PinProblem.DATE
    return PinProblem.COMMON if pin in _COMMON else None


def require_strong_pin(pin: str, *, length: int = DEFAULT_PIN_LENGTH) -> None:
    """Raise PinWeakException with the sentence for a weak `pin`."""
    problem = pin_problem(pin, length=length)
    if problem is not None:
        raise PinWeakException(PIN_SENTENCES[problem])


def _is_periodic(pin: str) -> bool:
    """Whether the PIN is a shorter block repeated: 4747, 123123."""
    return any(len(pin) % size == 0 and pin == pin[:size] * (len(pin) // size) for size in range(1, len(pin) // 2 + 1))


def _is_sequence(pin: str) -> bool:
    """Whether each digit differs from the one before by the same step (9 counts on to 0): 123456, 2468, 9753, 8901."""
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)}
    return len(steps) == 1


def _is_date(pin: str) -> bool:
    """Whether four digits are a year of living memory or a day and month, six a day, month and two-digit year in any order."""
    if len(pin) == SHORT_PIN_LENGTH:
        return 1920 <= int(pin) <= 2039 or _is_day_and_month(pin[:2], pin[2:])
    first, second, third = pin[:2], pin[2:4], pin[4:6]
    return _is_day_and_month(first, second) or _is_day_and_month(second, third)


def _is_day_and_month(first: str, second: str) -> bool:
    days, months = range(1, 32), range(1, 13)
    return (int(first) in days and int(second) in months) or (int(first) in months and int(second) in days)


@dataclasses.dataclass(frozen=True, slots=True)
class PinLock:
    """The wrong tries counted so far and, after too many, until when the PIN is locked."""

    failed_tries: int = 0
    locked_until: dt.datetime | None = None


def is_locked(lock: PinLock, now: dt.datetime) -> bool:
    """Return whether every PIN, also the right one, is refused at `now`."""
    return lock.locked_until is not None and now < lock.locked_until


def count_try(lock: PinLock, now: dt.datetime, *, max_tries: int = MAX_TRIES, lock_minutes: int = LOCK_MINUTES) -> PinLock:
    """Return the lock to store *before* the PIN is compared: the try counts as wrong until it proves right.

    A lock that ran out starts the count again. When the PIN is right, store `PinLock()` (also what a manager's unlock stores).
    Raises PinLockedException while locked.
    """
    if lock.locked_until is not None:
        if now < lock.locked_until:
            raise PinLockedException(retry_at=lock.locked_until, now=now)
        lock = PinLock()
    failed = lock.failed_tries + 1
    return PinLock(failed, now + dt.timedelta(minutes=lock_minutes) if failed >= max_tries else None)


def tries_left(lock: PinLock, *, max_tries: int = MAX_TRIES) -> int:
    """Return how many tries remain before the lock."""
    return max(0, max_tries - lock.failed_tries)


@dataclasses.dataclass(frozen=True, slots=True)
class PinProof:
    """A PIN typed for one action: whose it claims to be, and the digits."""

    pin_id: uuid.UUID
    pin: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """Who opened the terminal with a PIN, and when."""

    role: PinRole
    at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PinSettings:
    """A store's PIN settings. `unlock_minutes` 0 asks at every action; `redeem_limit_points` None means no limit."""

    policy: PinPolicy = PinPolicy.REQUIRED
    unlock_minutes: int = DEFAULT_UNLOCK_MINUTES
    redeem_limit_points: int | None = None


def demanded_pin(
    action: TerminalAction,
    settings: PinSettings,
    *,
    now: dt.datetime,
    unlock: Unlock | None = None,
    redeem_points: int = 0,
    is_own_card: bool = False,
) -> PinDemand:
    """Return which PIN has to be typed *now* for `action`; NONE when the terminal is open for it.

    A manager's is demanded for adjustments and on the staff member's own card (`is_own_card`: same e-mail), whatever the policy.
    Void, refund and a redeem above the merchant's limit ask again even while unlocked. With policy `optional` the other
    actions go without, with `off` only the manager's are asked for.
    """
    if action is TerminalAction.ADJUST or is_own_card:
        return PinDemand.MANAGER
    if settings.policy is PinPolicy.OFF:
        return PinDemand.NONE
    limit = settings.redeem_limit_points
    is_large = action is TerminalAction.REDEEM and limit is not None and redeem_points > limit
    if is_large or action in (TerminalAction.VOID, TerminalAction.REFUND):
        return PinDemand.STAFF
    if settings.policy is PinPolicy.OPTIONAL or is_unlocked(unlock, settings, now):
        return PinDemand.NONE
    return PinDemand.STAFF


def is_unlocked(unlock: Unlock | None, settings: PinSettings, now: dt.datetime) -> bool:
    """Return whether the terminal is still open for the person of `unlock` at `now`."""
    return unlock is not None and now < unlock.at + dt.timedelta(minutes=settings.unlock_minutes)


def satisfies(role: PinRole, demand: PinDemand) -> bool:
    """Return whether a right PIN of `role` meets `demand`."""
    return demand is not PinDemand.MANAGER or role is PinRole.MANAGER
