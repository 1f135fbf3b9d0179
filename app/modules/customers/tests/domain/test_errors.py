"""What the API promises about the refusals of this module."""

import inspect
import re

import pytest

from app.core.errors import OrionException
from app.modules.customers import errors

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


def test_terms_are_a_field_and_the_other_customer_is_never_told() -> None:
    assert list(errors.TermsNotAcceptedException().fields) == ["accepts_terms"]
    other = object()
    taken = errors.CustomerEmailTakenException(other)
    assert taken.customer is other
    assert taken.params == {}
