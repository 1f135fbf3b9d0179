"""Signed links: what goes in comes out, and nothing else is a link."""

import base64
import datetime as dt
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.mail_link import PREFERENCES_LIFETIME, LinkKind, MailLink, decode_link, encode_link

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
TODAY = dt.date(2026, 11, 23)


def make_link(kind: LinkKind = LinkKind.UNSUBSCRIBE, category: MailCategory | None = MailCategory.MARKETING) -> MailLink:
    return MailLink(kind=kind, merchant_id=new_id(), customer_id=new_id(), issued_on=TODAY, category=category)


@given(
    kind=st.sampled_from(LinkKind),
    category=st.sampled_from([None, MailCategory.MARKETING, MailCategory.REMINDER]),
    ids=st.tuples(st.uuids(), st.uuids()),
    day=st.dates(dt.date(2020, 1, 1), dt.date(2126, 1, 1)),
)
def test_what_goes_in_comes_out(kind: LinkKind, category: MailCategory | None, ids: tuple[uuid.UUID, uuid.UUID], day: dt.date) -> None:
    link = MailLink(kind=kind, merchant_id=ids[0], customer_id=ids[1], issued_on=day, category=category)
    token = encode_link(link, key=KEY)
    assert decode_link(token, kind, key=KEY) == link
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    assert len(token) == 74


def test_another_key_another_kind_or_a_changed_character_is_no_link() -> None:
    token = encode_link(make_link(), key=KEY)
    assert decode_link(token, LinkKind.UNSUBSCRIBE, key=OTHER_KEY) is None
    assert decode_link(token, LinkKind.PREFERENCES, key=KEY) is None
    for place in range(len(token)):
        for character in "Aa0-_":
            if token[place] != character:
                assert decode_link(token[:place] + character + token[place + 1 :], LinkKind.UNSUBSCRIBE, key=KEY) is None, place


@pytest.mark.parametrize("token", ["", "x", "=", "é" * 75, "A" * 75, "A" * 1_000_000, "\x00", "a b", "-" * 76])
def test_anything_else_is_no_link(token: str) -> None:
    for kind in LinkKind:
        assert decode_link(token, kind, key=KEY) is None


@given(st.text(max_size=120))
def test_no_text_breaks_it(token: str) -> None:
    assert decode_link(token, LinkKind.UNSUBSCRIBE, key=KEY) is None


def test_one_link_has_one_spelling() -> None:
    token = encode_link(make_link(), key=KEY)
    for other in (token + "=", token + "\n", token + "A", token[:-1]):
        assert decode_link(other, LinkKind.UNSUBSCRIBE, key=KEY) is None


def test_a_version_of_the_future_is_no_link() -> None:
    raw = base64.urlsafe_b64decode(encode_link(make_link(), key=KEY) + "==")
    assert raw[0] == 1
    later = base64.urlsafe_b64encode(bytes([2]) + raw[1:]).decode().rstrip("=")
    assert decode_link(later, LinkKind.UNSUBSCRIBE, key=KEY) is None


def test_preferences_expire_and_unsubscribing_never_does() -> None:
    last = TODAY + PREFERENCES_LIFETIME
    preferences, unsubscribe = make_link(LinkKind.PREFERENCES, None), make_link()
    assert not preferences.is_expired(last)
    assert preferences.is_expired(last + dt.timedelta(days=1))
    assert not unsubscribe.is_expired(last + dt.timedelta(days=36_500))
