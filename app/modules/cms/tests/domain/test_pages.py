"""Addresses, filled texts, and the language in which a reader gets a page."""

import pytest

from app.modules.cms.domain.pages import PageText, choose_locale, filled_texts, is_slug, missing_locales, suggest_slug

FILLED, HALF = PageText("T", "b"), PageText("T", " \n")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Conditions générales", "conditions-generales"),
        ("Größe & Straße", "grosse-strasse"),
        ("  --A--  ", "a"),
        ("Ëmmer 24/7", "emmer-24-7"),
        ("日本", "page"),
        ("", "page"),
        ("x" * 80, "x" * 60),
        ("a" * 59 + " b", "a" * 59),
    ],
)
def test_addresses_made_of_titles(title: str, slug: str) -> None:
    assert suggest_slug(title) == slug
    assert is_slug(slug)


@pytest.mark.parametrize("slug", ["", "A", "a_b", "-a", "a-", "a--b", "a\n", "é", "a" * 61])
def test_what_is_no_address(slug: str) -> None:
    assert not is_slug(slug)


def test_only_texts_with_title_and_body_count() -> None:
    texts = {"lb": FILLED, "fr": HALF, "en": FILLED, "de": PageText("", "b")}
    assert list(filled_texts(texts)) == ["en", "lb"]
    assert missing_locales(texts) == ["fr", "de"]


@pytest.mark.parametrize(
    ("texts", "wanted", "store", "chosen"),
    [
        ({"fr": FILLED, "de": FILLED}, "de", "fr", "de"),
        ({"fr": FILLED, "de": FILLED}, "lb", "fr", "fr"),
        ({"de": FILLED, "en": FILLED}, "lb", "fr", "en"),
        ({"fr": HALF, "de": FILLED}, "fr", "fr", "de"),
        ({"fr": HALF}, "fr", "fr", None),
        ({}, "fr", None, None),
    ],
)
def test_the_readers_language_then_the_stores_then_any(
    texts: dict[str, PageText], wanted: str, store: str | None, chosen: str | None
) -> None:
    assert choose_locale(texts, wanted, store) == chosen
