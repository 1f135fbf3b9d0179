"""PINs: domain.md, PINs and terminals."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.loyalty.domain.enums import PinDemand, PinPolicy, PinRole, TerminalAction
from app.modules.loyalty.domain.pins import (
    PIN_SENTENCES,
    PinLock,
    PinProblem,
    PinSettings,
    Unlock,
    count_try,
    demanded_pin,
    is_locked,
    is_unlocked,
    pin_problem,
    require_strong_pin,
    satisfies,
    tries_left,
)
from app.modules.loyalty.errors import PinLockedException, PinWeakException
from app.modules.loyalty.tests.domain.builders import NOW

MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("12345", PinProblem.LENGTH),
        ("1234567", PinProblem.LENGTH),
        ("12a456", PinProblem.LENGTH),
        ("١٢٣٤٥٦", PinProblem.LENGTH),
        ("", PinProblem.LENGTH),
        ("777777", PinProblem.REPEATED),
        ("474747", PinProblem.REPEATED),
        ("583583", PinProblem.REPEATED),
        ("355333", PinProblem.REPEATED),
        ("123456", PinProblem.SEQUENCE),
        ("654321", PinProblem.SEQUENCE),
        ("890123", PinProblem.SEQUENCE),
        ("024680", PinProblem.SEQUENCE),
        ("311299", PinProblem.DATE),
        ("123199", PinProblem.DATE),
        ("990228", PinProblem.DATE),
        ("159357", PinProblem.COMMON),
        ("789456", PinProblem.COMMON),
        ("839274", None),
        ("602947", None),
    ],
)
def test_weak_pins_of_six_digits(pin: str, problem: PinProblem | None) -> None:
    assert pin_problem(pin) is problem


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("1111", PinProblem.REPEATED),
        ("4747", PinProblem.REPEATED),
        ("3456", PinProblem.SEQUENCE),
        ("9753", PinProblem.SEQUENCE),
        ("1984", PinProblem.DATE),
        ("2026", PinProblem.DATE),
        ("3112", PinProblem.DATE),
        ("1231", PinProblem.DATE),
        ("2580", PinProblem.COMMON),
        ("839274", PinProblem.LENGTH),
        ("8392", None),
    ],
)
def test_weak_pins_of_four_digits(pin: str, problem: PinProblem | None) -> None:
    assert pin_problem(pin, length=4) is problem


def test_a_weak_pin_is_refused_with_its_sentence() -> None:
    with pytest.raises(PinWeakException) as refusal:
        require_strong_pin("123456")
    assert refusal.value.fields == {"pin": PIN_SENTENCES[PinProblem.SEQUENCE]}
    require_strong_pin("839274")
    assert set(PIN_SENTENCES) == set(PinProblem)


def test_most_pins_remain() -> None:
    good = sum(pin_problem(f"{number:06d}") is None for number in range(0, 1_000_000, 97))
    assert good / len(range(0, 1_000_000, 97)) > 0.85


@given(st.text(max_size=8))
def test_any_text_gets_an_answer(pin: str) -> None:
    assert pin_problem(pin) is not None or (len(pin) == 6 and pin.isdigit())


def test_five_wrong_tries_lock_for_15_minutes_and_the_right_pin_is_refused_alike() -> None:
    lock = PinLock()
    left = []
    for _ in range(5):
        lock = count_try(lock, NOW)
        left.append(tries_left(lock))
    assert left == [4, 3, 2, 1, 0]
    assert is_locked(lock, NOW)
    with pytest.raises(PinLockedException) as refusal:
        count_try(lock, NOW + 14 * MINUTE + dt.timedelta(seconds=30))
    assert refusal.value.retry_at == NOW + 15 * MINUTE
    assert refusal.value.retry_after == 30
    assert refusal.value.params == {"retry_after": 30, "wait_minutes": 1, "retry_at": "2026-05-20T10:15:00+00:00"}
    assert refusal.value.keeps_work


def test_a_lock_that_ran_out_starts_the_count_again() -> None:
    locked = PinLock(5, NOW + 15 * MINUTE)
    assert not is_locked(locked, NOW + 15 * MINUTE)
    assert count_try(locked, NOW + 15 * MINUTE) == PinLock(1, None)


def test_the_number_of_tries_and_the_minutes_are_settings() -> None:
    lock = count_try(PinLock(2), NOW, max_tries=3, lock_minutes=60)
    assert (lock.locked_until, tries_left(lock, max_tries=3)) == (NOW + 60 * MINUTE, 0)


REQUIRED, OPTIONAL, OFF = (PinSettings(policy=policy, redeem_limit_points=500) for policy in PinPolicy)
UNLOCK = Unlock(role=PinRole.STAFF, at=NOW - 4 * MINUTE)


@pytest.mark.parametrize(
    ("action", "settings", "unlock", "demand"),
    [
        (TerminalAction.STAMP, REQUIRED, None, PinDemand.STAFF),
        (TerminalAction.STAMP, REQUIRED, UNLOCK, PinDemand.NONE),
        (TerminalAction.ENROLL, REQUIRED, UNLOCK, PinDemand.NONE),
        (TerminalAction.VOID, REQUIRED, UNLOCK, PinDemand.STAFF),
        (TerminalAction.REFUND, REQUIRED, UNLOCK, PinDemand.STAFF),
        (TerminalAction.ADJUST, REQUIRED, UNLOCK, PinDemand.MANAGER),
        (TerminalAction.STAMP, OPTIONAL, None, PinDemand.NONE),
        (TerminalAction.VOID, OPTIONAL, None, PinDemand.STAFF),
        (TerminalAction.EARN, OFF, None, PinDemand.NONE),
        (TerminalAction.VOID, OFF, None, PinDemand.NONE),
        (TerminalAction.ADJUST, OFF, None, PinDemand.MANAGER),
    ],
)
def test_which_pin_an_action_asks_for(action: TerminalAction, settings: PinSettings, unlock: Unlock | None, demand: PinDemand) -> None:
    assert demanded_pin(action, settings, now=NOW, unlock=unlock) is demand


def test_a_redeem_above_the_limit_asks_again() -> None:
    assert demanded_pin(TerminalAction.REDEEM, REQUIRED, now=NOW, unlock=UNLOCK, redeem_points=500) is PinDemand.NONE
    assert demanded_pin(TerminalAction.REDEEM, REQUIRED, now=NOW, unlock=UNLOCK, redeem_points=501) is PinDemand.STAFF
    assert demanded_pin(TerminalAction.REDEEM, PinSettings(), now=NOW, unlock=UNLOCK, redeem_points=501) is PinDemand.NONE


@pytest.mark.parametrize("settings", [REQUIRED, OPTIONAL, OFF])
def test_ones_own_card_needs_a_manager(settings: PinSettings) -> None:
    assert demanded_pin(TerminalAction.STAMP, settings, now=NOW, unlock=UNLOCK, is_own_card=True) is PinDemand.MANAGER


def test_the_terminal_stays_open_for_the_unlock_minutes() -> None:
    assert is_unlocked(UNLOCK, PinSettings(), NOW + dt.timedelta(seconds=59))
    assert not is_unlocked(UNLOCK, PinSettings(), NOW + MINUTE)
    assert not is_unlocked(Unlock(role=PinRole.STAFF, at=NOW), PinSettings(unlock_minutes=0), NOW)
    assert not is_unlocked(None, PinSettings(), NOW)


@pytest.mark.parametrize("role", PinRole)
def test_a_managers_pin_meets_every_demand(role: PinRole) -> None:
    assert satisfies(role, PinDemand.STAFF)
    assert satisfies(role, PinDemand.NONE)
    assert satisfies(role, PinDemand.MANAGER) == (role is PinRole.MANAGER)
