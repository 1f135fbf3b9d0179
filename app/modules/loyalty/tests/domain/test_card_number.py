"""Card numbers and scans (A10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.loyalty.domain.card_number import (
    MAX_SCAN_LENGTH,
    Scan,
    ScanKind,
    format_number,
    generate,
    is_valid,
    normalize,
    parse_scan,
    qr_token,
)

NUMBERS = st.binary(min_size=8, max_size=8).map(generate)
TOKENS = st.binary(min_size=20, max_size=20).map(qr_token)


def test_the_first_and_last_numbers() -> None:
    first = generate(bytes(8))
    last = generate((9 * 10**9 - 1).to_bytes(8, "big"))
    assert (first[:10], last[:10]) == ("1000000000", "9999999999")
    assert int(first) % 97 == int(last) % 97 == 1
    assert format_number(first) == f"1000\u00a00000\u00a000{first[10:]}"


@given(NUMBERS)
def test_numbers_are_valid_in_every_way_people_write_them(number: str) -> None:
    assert len(number) == 12
    assert is_valid(number)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    for text in (format_number(number), f" {number[:4]}-{number[4:8]}.{number[8:]}\n", wide):
        assert normalize(text) == number
        assert parse_scan(text) == Scan(ScanKind.CARD_NUMBER, number)


@given(NUMBERS, st.integers(0, 11), st.integers(1, 9))
def test_every_wrong_digit_is_detected(number: str, position: int, step: int) -> None:
    digit = str((int(number[position]) + step) % 10)
    assert not is_valid(number[:position] + digit + number[position + 1 :])


@given(NUMBERS, st.integers(0, 10))
def test_every_swap_of_neighbours_is_detected(number: str, position: int) -> None:
    left, right = number[position], number[position + 1]
    swapped = number[:position] + right + left + number[position + 2 :]
    assert is_valid(swapped) == (left == right)


@pytest.mark.parametrize("text", ["", "1", "123456789012", "0" * 12, "٣" * 12, "1" * 13, "ab", "12345678901x", "+352621123456"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert not is_valid(normalize(text))
    assert parse_scan(text) is None


@given(TOKENS)
def test_tokens_are_found_in_capitals_small_letters_and_addresses(token: str) -> None:
    assert len(token) == 35
    assert token.isascii()
    assert token == token.upper()
    addresses = (f"https://orion.example/c/{token}", f"HTTP://shop.example/fr/card/{token.lower()}/?utm=1#top")
    for text in (token, token.lower(), f"  {token}\r\n", *addresses):
        assert parse_scan(text) == Scan(ScanKind.QR_TOKEN, token)


@given(st.binary(min_size=20, max_size=20), st.binary(min_size=20, max_size=20))
def test_tokens_differ_when_their_bytes_do(first: bytes, second: bytes) -> None:
    assert (qr_token(first) == qr_token(second)) == (first == second)


@given(st.text(max_size=600))
def test_any_text_is_answered(text: str) -> None:
    scan = parse_scan(text)
    assert scan is None or scan.value in normalize(text).upper()


@pytest.mark.parametrize("text", ["http://[", "https://", "https://orion.example/c/", "OL1" + "I" * 32, "OL1", " " * (MAX_SCAN_LENGTH + 1)])
def test_texts_that_only_look_like_scans_are_none(text: str) -> None:
    assert parse_scan(text) is None


def test_too_few_random_bytes_are_a_bug() -> None:
    with pytest.raises(ValueError, match="eight random bytes"):
        generate(bytes(7))
    with pytest.raises(ValueError, match="twenty random bytes"):
        qr_token(bytes(19))
