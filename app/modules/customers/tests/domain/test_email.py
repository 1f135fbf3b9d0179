"""E-mail addresses: domain.md, Identity; A3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.customers.domain.email import clean_email, is_valid_email, normalize_email


@pytest.mark.parametrize(
    ("typed", "compared"),
    [
        ("anna@example.lu", "anna@example.lu"),
        ("  Anna@Example.LU \n", "anna@example.lu"),
        ("\u00a0ANNA@EXAMPLE.LU\u2003", "anna@example.lu"),
        ("ａｎｎａ＠ｅｘａｍｐｌｅ．ｌｕ", "anna@example.lu"),  # full width
        ("anna.b+shop@example.lu", "anna.b+shop@example.lu"),  # "no stripping of dots or plus parts"
        ("info@STRASSE.de", "info@strasse.de"),
        ("info@straße.de", "info@strasse.de"),
        ("\u212aim@example.lu", "kim@example.lu"),  # the Kelvin sign
    ],
)
def test_addresses_are_compared_trimmed_nfkc_and_casefolded(typed: str, compared: str) -> None:
    assert normalize_email(typed) == compared


def test_dots_tell_people_apart() -> None:
    assert normalize_email("ab@example.lu") != normalize_email("a.b@example.lu")


def test_mail_goes_to_the_address_as_it_was_typed() -> None:
    assert clean_email("  Anna.Muller@Example.LU ") == "Anna.Muller@Example.LU"


@given(st.text(max_size=80))
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize_email(text)
    assert normalize_email(once) == once
    assert normalize_email(f"  {text} ") == once
    assert is_valid_email(text) in (True, False)


@pytest.mark.parametrize(
    "address",
    ["a@b.lu", "anna.b+c@mail.example.co.uk", "o'brien@example.ie", "x_y-z@sub-domain.example", "1@2.lu", "anna@bücher.example", "A@B.LU"],
)
def test_addresses_that_work(address: str) -> None:
    assert is_valid_email(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "anna",
        "anna@",
        "@example.lu",
        "anna@localhost",
        "anna@example",
        "anna@@example.lu",
        "anna@b@example.lu",
        "an na@example.lu",
        ".anna@example.lu",
        "anna.@example.lu",
        "an..na@example.lu",
        "anna@-example.lu",
        "anna@exa_mple.lu",
        "anna@example..lu",
        "anna@example.lu.",
        "anna@example.1",
        "anna@[127.0.0.1]",
        '"anna b"@example.lu',
        "anna@example.l",
        "anna\x00@example.lu",
        "anna@example.lu\nbcc: x@y.lu",
        "\ud800@example.lu",
        "anna@\ud800.lu",
        "ünna@example.lu",
        "a" * 65 + "@example.lu",
        "a@" + "b" * 64 + ".lu",
        "a@" + "b.c" * 90 + ".lu",
        "a@" + "ü" * 62 + ".lu",
        "anna <anna@example.lu>",
    ],
)
def test_addresses_that_cannot_work(address: str) -> None:
    assert not is_valid_email(address)
