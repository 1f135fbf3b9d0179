"""The order in which a language is chosen, and what a browser may send."""

import pytest

from app.core.i18n import current_locale, negotiate, use_locale


@pytest.mark.parametrize(
    ("choice", "customer", "header", "store", "expected"),
    [
        ("lb", "de", "en", "fr", "lb"),
        (None, "de", "en", "fr", "de"),
        (None, None, "en", "lb", "en"),
        (None, None, None, "lb", "lb"),
        (None, None, None, None, "fr"),
        ("xx", "", "nl,pt;q=0.9", "de-AT", "de"),
    ],
)
def test_negotiate_follows_the_order_of_design(
    choice: str | None, customer: str | None, header: str | None, store: str | None, expected: str
) -> None:
    assert negotiate(choice, customer, header, store) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("pt-PT, lb-LU;q=0.8, de;q=0.9", "de"),
        ("de, en", "de"),
        ("en;q=0, de;q=0.1", "de"),
        ("LB_lu", "lb"),
        ("*", "fr"),
        ("en;q=nan, de;q=1e9, lb;level=1", "fr"),
        (";;,,;q=,q=1", "fr"),
        ("x" * 100_000 + ",en", "fr"),
    ],
)
def test_accept_language_is_read_by_weight_and_never_raises(header: str, expected: str) -> None:
    assert negotiate(accept_language=header) == expected


def test_use_locale_nests_and_ends_with_its_block() -> None:
    before = current_locale()
    with use_locale("de"):
        with use_locale("lb-LU") as inner:
            assert (inner, current_locale()) == ("lb", "lb")
        assert current_locale() == "de"
    assert current_locale() == before


def test_use_locale_turns_an_unknown_language_into_french() -> None:
    with use_locale("zz") as locale:
        assert locale == "fr"
