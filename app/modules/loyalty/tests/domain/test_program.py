"""Settings and progress: B1."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.domain.program import (
    PointsProgress,
    ProgramSettings,
    StampProgress,
    expiration_changed_at,
    points_progress,
    program_problems,
    require_valid_program,
    reward_problems,
    stamp_progress,
)
from app.modules.loyalty.errors import ProgramInvalidException
from app.modules.loyalty.tests.domain.builders import NOW, make_card

GOOD = ProgramSettings(
    program_type=ProgramType.BOTH,
    card_name="Café Zentral",
    card_colour="#1f6F54",
    stamps_target=10,
    stamp_cooldown_minutes=30,
    max_stamps_per_day=5,
    points_rate=10_000,
    welcome_bonus_points=50,
    minimum_purchase_cents=0,
    minimum_redemption_points=0,
    points_expiration_days=365,
)


def test_good_settings_have_no_problems() -> None:
    assert program_problems(GOOD) == {}
    assert program_problems(dataclasses.replace(GOOD, points_expiration_days=None, max_stamps_per_day=None)) == {}
    require_valid_program(GOOD)


@pytest.mark.parametrize(
    ("field", "value", "reported"),
    [
        ("card_name", "  ", "card_name"),
        ("card_name", "x" * 61, "card_name"),
        ("card_name", "Caf\u202eé", "card_name"),
        ("card_colour", "green", "card_colour"),
        ("card_colour", "#12345", "card_colour"),
        ("stamps_target", 0, "stamps_target"),
        ("stamps_target", 101, "stamps_target"),
        ("stamp_cooldown_minutes", -1, "stamp_cooldown_minutes"),
        ("stamp_cooldown_minutes", 10_081, "stamp_cooldown_minutes"),
        ("max_stamps_per_day", 0, "max_stamps_per_day"),
        ("points_rate", -1, "points_per_euro"),
        ("points_rate", 10_000_001, "points_per_euro"),
        ("welcome_bonus_points", -1, "welcome_bonus_points"),
        ("welcome_bonus_points", 2**31, "welcome_bonus_points"),
        ("minimum_purchase_cents", -1, "minimum_purchase_cents"),
        ("minimum_redemption_points", -1, "minimum_redemption_points"),
        ("points_expiration_days", 29, "points_expiration_days"),
        ("points_expiration_days", 3_651, "points_expiration_days"),
        ("reengagement_days", 13, "reengagement_days"),
        ("birthday_bonus_points", -1, "birthday_bonus_points"),
        ("birthday_bonus_points", 1_000_001, "birthday_bonus_points"),
    ],
)
def test_each_bound_names_its_field(field: str, value: object, reported: str) -> None:
    values: dict[str, Any] = {field: value}
    settings = dataclasses.replace(GOOD, **values)
    assert list(program_problems(settings)) == [reported]
    with pytest.raises(ProgramInvalidException) as refusal:
        require_valid_program(settings)
    assert list(refusal.value.fields) == [reported]


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({"program_type": ProgramType.STAMPS}, ["welcome_bonus_points"]),
        ({"points_rate": 0, "welcome_bonus_points": 0}, ["points_per_euro"]),
        ({"points_rate": 0}, []),
        ({"birthday_bonus_points": 25}, []),
        ({"birthday_bonus_points": 25, "welcome_bonus_points": 0, "program_type": ProgramType.STAMPS}, ["birthday_bonus_points"]),
        ({"points_rate": 0, "welcome_bonus_points": 0, "program_type": ProgramType.STAMPS}, []),
        ({"stamp_cooldown_minutes": 1_440}, ["max_stamps_per_day"]),
        ({"stamp_cooldown_minutes": 1_440, "max_stamps_per_day": 1}, []),
        ({"stamp_cooldown_minutes": 1_440, "max_stamps_per_day": None}, []),
    ],
)
def test_settings_that_contradict_each_other(changes: dict[str, Any], reported: list[str]) -> None:
    assert list(program_problems(dataclasses.replace(GOOD, **changes))) == reported


def test_a_reward_can_be_redeemed() -> None:
    assert reward_problems(name="Kaffi", cost_points=100, minimum_redemption_points=100) == {}
    assert reward_problems(name="K", cost_points=1, minimum_redemption_points=0) == {}
    assert reward_problems(name="K" * 60, cost_points=1_000_000, minimum_redemption_points=0) == {}
    assert list(reward_problems(name="K" * 61, cost_points=1_000_001, minimum_redemption_points=0)) == ["name", "cost_points"]
    assert list(reward_problems(name="Kaffi", cost_points=99, minimum_redemption_points=100)) == ["cost_points"]
    assert list(reward_problems(name=" ", cost_points=0, minimum_redemption_points=0)) == ["name", "cost_points"]


def test_only_a_changed_period_is_remembered() -> None:
    before = NOW - dt.timedelta(days=9)
    assert expiration_changed_at(365, 365, now=NOW, before=before) == before
    assert expiration_changed_at(365, 90, now=NOW, before=before) == NOW
    assert expiration_changed_at(None, 90, now=NOW, before=None) == NOW
    assert expiration_changed_at(90, None, now=NOW, before=None) == NOW


@pytest.mark.parametrize(
    ("count", "progress"),
    [
        (0, StampProgress(10, 0, 10, 0)),
        (9, StampProgress(10, 9, 1, 0)),
        (10, StampProgress(10, 0, 10, 1)),
        (12, StampProgress(10, 2, 8, 1)),
    ],
)
def test_stamps_as_a_picture(count: int, progress: StampProgress) -> None:
    assert stamp_progress(make_card(stamp_count=count)) == progress


@pytest.mark.parametrize(
    ("balance", "costs", "minimum", "progress"),
    [
        (0, [], 0, PointsProgress(0, None, None)),
        (60, [100, 50, 300], 0, PointsProgress(1, 100, 40)),
        (300, [100, 50, 300], 0, PointsProgress(3, None, None)),
        (60, [50], 80, PointsProgress(0, 80, 20)),
    ],
)
def test_points_to_the_next_reward(balance: int, costs: list[int], minimum: int, progress: PointsProgress) -> None:
    assert points_progress(balance, costs, minimum_redemption_points=minimum) == progress


@given(st.integers(0, 1000), st.lists(st.integers(1, 1000)))
def test_what_is_missing_is_enough(balance: int, costs: list[int]) -> None:
    progress = points_progress(balance, costs)
    if progress.missing is None:
        assert progress.affordable == len(costs)
    else:
        assert points_progress(balance + progress.missing, costs).affordable > progress.affordable
