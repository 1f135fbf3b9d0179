"""Phone numbers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.customers.domain.phone import normalize_phone, search_digits


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("621 123 456", "+352621123456"),
        ("621-123-456", "+352621123456"),
        ("+352 621 123 456", "+352621123456"),
        ("00352 621.123.456", "+352621123456"),
        ("352621123456", "+352621123456"),  # the plus forgotten
        ("26 12 34", "+352261234"),
        ("35 21 23", "+352352123"),  # a short local number that happens to start with 352
        ("+49 (0)30 / 123 456", "+4930123456"),
        ("+33\u00a06\u00a012\u00a034\u00a056\u00a078", "+33612345678"),
        ("＋３５２ ６２１ １２３ ４５６", "+352621123456"),
    ],
)
def test_numbers_become_international(typed: str, normal: str) -> None:
    assert normalize_phone(typed) == normal


@pytest.mark.parametrize(
    ("typed", "country", "normal"), [("0171 1234567", "49", "+491711234567"), ("06 12 34 56 78", "33", "+33612345678")]
)
def test_other_countries_drop_their_trunk_zero(typed: str, country: str, normal: str) -> None:
    assert normalize_phone(typed, country=country) == normal


@pytest.mark.parametrize(
    "typed", ["", "+", "00", "123", "+3521", "+0123456789", "call me", "621 123 45x", "+1234567890123456", "++35262112345", "٦٢١١٢٣٤٥٦x"]
)
def test_other_texts_are_no_numbers(typed: str) -> None:
    assert normalize_phone(typed) is None


@given(st.text(max_size=40))
def test_the_result_is_e164_and_stays(text: str) -> None:
    normal = normalize_phone(text)
    assert normal is None or (re.fullmatch(r"\+[1-9][0-9]{4,14}", normal) and normalize_phone(normal) == normal)


@pytest.mark.parametrize(
    ("typed", "digits"), [("123 456", "123456"), ("0621 123", "621123"), ("12 3", None), ("abc", None), ("０００１２３４", "1234")]
)
def test_staff_find_numbers_by_their_end(typed: str, digits: str | None) -> None:
    assert search_digits(typed) == digits
