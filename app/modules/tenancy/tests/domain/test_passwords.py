"""Passwords: reliability.md, Settings ("≥ 15, or ≥ 8 with TOTP; ≤ 128; blocklist")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.tenancy.domain.passwords import (
    MAX_LENGTH,
    SENTENCES,
    PasswordProblem,
    normalize_password,
    password_problems,
    require_strong_password,
)
from app.modules.tenancy.errors import PasswordWeakException

CONTEXT = ("marie.weber@cafe-zentral.lu", "Marie Weber", "Café Zentral")


@pytest.mark.parametrize("password", ["grey otter paints slowly", "Mëttesstonn-am-Bësch", "k7#Qv2!mZp9$Lr4", "öäüöäü moien béier"])
def test_long_passwords_need_no_signs(password: str) -> None:
    assert password_problems(password, context=CONTEXT) == []
    require_strong_password(password, context=CONTEXT)


def test_the_length_depends_on_the_second_factor() -> None:
    assert password_problems("otter-paints-s") == [PasswordProblem.TOO_SHORT]
    assert password_problems("otter-paints-sl") == []
    assert password_problems("otter-pa", has_totp=True) == []
    assert password_problems("otter-p", has_totp=True) == [PasswordProblem.TOO_SHORT]
    assert password_problems("otter paints " * 9 + "slow rivers") == []
    assert password_problems("ab cd ef gh " * 10 + "ijklmnop") == []
    assert password_problems("x" * (MAX_LENGTH + 1)) == [PasswordProblem.TOO_LONG]


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "P@ssw0rd",
        "Password2026!",
        "12Willkommen12",
        "qwertzuiop",
        "iloveyou!!",
        "passwordpassword1",
        "Luxembourg2026",
        "Cor rect Horse Battery Staple!",
    ],
)
def test_common_passwords_are_refused_however_they_are_dressed(password: str) -> None:
    problems = password_problems(password, has_totp=True)
    assert problems
    assert set(problems) <= {PasswordProblem.COMMON, PasswordProblem.REPETITIVE}


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "otterotterotter",
        "otter1otter1otter1",
        "123456789012345",
        "abcdefghijklmnop",
        "qwertyuiopasdfgh",
        "0987654321098765",
    ],
)
def test_repetitive_passwords_are_refused(password: str) -> None:
    assert PasswordProblem.REPETITIVE in password_problems(password)


@pytest.mark.parametrize(
    "password",
    [
        "I love Café Zentral much",
        "marie.weber likes tea",
        "xx-MARIE-WEBER-paints",
        "cafe zentral sommerfest",
        "Marie.Weber@cafe-zentral.lu",
    ],
)
def test_what_everybody_knows_of_the_person_is_refused(password: str) -> None:
    assert password_problems(password, context=CONTEXT) == [PasswordProblem.PERSONAL]


def test_short_words_of_the_context_do_not_matter() -> None:
    assert password_problems("otter paints slowly", context=("Ott", "", "x@y.lu")) == []


@pytest.mark.parametrize("password", ["otter paints\x00slowly", "otter paints\nslowly", "otter paints \ud800 slowly"])
def test_characters_nobody_can_type_are_refused(password: str) -> None:
    assert password_problems(password) == [PasswordProblem.UNREADABLE]


def test_every_problem_has_its_sentence_and_all_are_told() -> None:
    assert set(SENTENCES) == set(PasswordProblem)
    with pytest.raises(PasswordWeakException) as refusal:
        require_strong_password("aaaa")
    assert refusal.value.sentences == (SENTENCES[PasswordProblem.TOO_SHORT], SENTENCES[PasswordProblem.REPETITIVE])
    assert refusal.value.fields == {"password": SENTENCES[PasswordProblem.TOO_SHORT]}


def test_accents_are_one_form() -> None:
    assert normalize_password("cafe\u0301 am bësch") == "café am bësch"


@given(st.text(max_size=140), st.booleans())
def test_any_text_is_answered(password: str, has_totp: bool) -> None:
    problems = password_problems(password, has_totp=has_totp, context=CONTEXT)
    assert len(problems) == len(set(problems))
    assert problems or 8 <= len(normalize_password(password)) <= MAX_LENGTH
