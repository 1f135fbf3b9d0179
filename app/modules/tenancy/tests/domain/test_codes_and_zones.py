"""Store codes, pairing codes and time zones."""

import datetime as dt
import itertools
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.tenancy.domain import pairing_code
from app.modules.tenancy.domain.store_code import (
    RESERVED,
    SHAPE,
    code_candidates,
    code_from_name,
    code_problem,
    normalize_code,
    require_valid_code,
)
from app.modules.tenancy.domain.zones import DEFAULT_ZONE, is_valid_zone, require_zone, zone_names
from app.modules.tenancy.errors import StoreCodeInvalidException, ZoneInvalidException

NOW = dt.datetime(2026, 5, 20, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Café Zentral, Lëtzebuerg", "cafe-zentral-letzebuerg"),
        ("Bäckerei Weiß & Söhne", "backerei-weiss-sohne"),
        ("Œuf – Brasserie", "oeuf-brasserie"),
        ("李小龍", "store"),
        ("A1", "store-a1"),
        ("12345", "store-12345"),
        ("Admin", "store-admin"),
        ("", "store"),
        ("Ganz besonders langer Name einer Bäckerei", "ganz-besonders-langer-name-einer"),
    ],
)
def test_codes_are_made_from_names(name: str, code: str) -> None:
    assert code_from_name(name) == code


@given(st.text(max_size=60))
def test_every_name_gives_valid_distinct_codes(name: str) -> None:
    codes = list(itertools.islice(code_candidates(name), 12))
    assert len(set(codes)) == 12
    assert all(code_problem(code) is None for code in codes)


@pytest.mark.parametrize("code", ["ab", "a" * 33, "Café", "a--b", "-ab", "ab-", "a b", "a_b", "a/b", "", "abc\n", "äbc"])
def test_codes_of_another_shape_are_refused(code: str) -> None:
    assert code_problem(code) == SHAPE
    with pytest.raises(StoreCodeInvalidException) as refusal:
        require_valid_code(code)
    assert refusal.value.fields == {"code": SHAPE}


@pytest.mark.parametrize("code", ["admin", "api", "static", "123"])
def test_reserved_codes_are_refused(code: str) -> None:
    assert code_problem(code) == RESERVED


def test_typed_codes_are_compared_in_small_letters() -> None:
    assert normalize_code(" Cafe-Zentral ") == "cafe-zentral"
    require_valid_code("cafe-zentral")


@given(st.binary(min_size=16, max_size=16))
def test_pairing_codes_survive_how_people_type_them(random_bytes: bytes) -> None:
    code = pairing_code.generate(random_bytes)
    assert pairing_code.has_code_form(code)
    shown = pairing_code.format_code(code)
    assert len(shown) == 9
    for typed in (shown, shown.lower(), f" {code[:4]} {code[4:]}\n"):
        assert pairing_code.normalize(typed) == code


def test_pairing_codes_leave_out_what_looks_alike_and_vowels() -> None:
    assert len(set(pairing_code.ALPHABET)) == len(pairing_code.ALPHABET) == 24
    assert not set(pairing_code.ALPHABET) & set("01ILO8BSZAEU")
    with pytest.raises(ValueError, match="sixteen random bytes"):
        pairing_code.generate(bytes(15))


@pytest.mark.parametrize("text", ["", "ABC", "CDFG-234", "CDFG23451", "CDFG234A", "CDFG234\u0663"])
def test_other_texts_are_no_pairing_codes(text: str) -> None:
    assert not pairing_code.has_code_form(pairing_code.normalize(text))


def test_a_pairing_code_lives_ten_minutes_and_works_once() -> None:
    last = NOW + dt.timedelta(minutes=10) - dt.timedelta(microseconds=1)
    assert pairing_code.is_usable(created_at=NOW, used_at=None, now=last)
    assert not pairing_code.is_usable(created_at=NOW, used_at=None, now=NOW + dt.timedelta(minutes=10))
    assert not pairing_code.is_usable(created_at=NOW, used_at=NOW, now=last)


@pytest.mark.parametrize("name", [DEFAULT_ZONE, "Europe/Berlin", "Indian/Reunion", "America/Argentina/Ushuaia", "UTC"])
def test_places_are_zones(name: str) -> None:
    assert require_zone(name) == zoneinfo.ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    ["", "CET", "EST", "Etc/GMT+5", "Europe/luxembourg", "Europe/Atlantis", "../etc/passwd", "/etc/passwd", "Europe/\x00", "posix/UTC"],
)
def test_other_texts_are_no_zones(name: str) -> None:
    assert not is_valid_zone(name)
    with pytest.raises(ZoneInvalidException) as refusal:
        require_zone(name, field="zone")
    assert list(refusal.value.fields) == ["zone"]


def test_every_zone_of_the_list_loads() -> None:
    assert len(zone_names()) > 300
    assert all(NOW.astimezone(require_zone(name)).utcoffset() is not None for name in zone_names())
