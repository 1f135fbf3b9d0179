"""What the API promises about the refusals of this module."""

import datetime as dt
import inspect
import re

import pytest

from app.core.errors import OrionException
from app.modules.tenancy import errors

REFUSALS = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, OrionException) and member.__module__ == errors.__name__
]


def test_codes_are_unique_snake_case() -> None:
    codes = [refusal.code for refusal in REFUSALS]
    assert len(codes) == len(set(codes)) > 4
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_names_end_in_exception_and_sentences_are_sentences(refusal: type[OrionException]) -> None:
    assert refusal.__name__.endswith("Exception")
    assert refusal.__doc__
    assert re.fullmatch(r"[A-Z].*\.", refusal.message)


def test_a_locked_sign_in_says_when_to_try_again() -> None:
    now = dt.datetime(2026, 5, 20, 10, tzinfo=dt.UTC)
    locked = errors.SignInLockedException(retry_at=now + dt.timedelta(seconds=61), now=now)
    assert locked.params == {"retry_after": 61, "wait_minutes": 2, "retry_at": "2026-05-20T10:01:01+00:00"}
    assert locked.message % locked.params == "Too many wrong tries. Please try again in 2 min."
