"""Names, consents and the guard against a second welcome bonus."""

import datetime as dt
import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.customers.domain.consent import ConsentAction, ConsentPurpose, ConsentRecord, ConsentSource, has_consent
from app.modules.customers.domain.names import MAX_NAME_LENGTH, clean_name, search_words
from app.modules.customers.domain.returning_guard import fingerprint, guarded_until, was_erased_recently

KEY = bytes(range(32))
MERCHANT = uuid.UUID(int=1)
NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Anna  Maria ", "Anna Maria"),
        ("O'Brien-Müller", "O'Brien-Müller"),
        ("Mu\u0308ller", "Müller"),
        ("Anna\u00a0Maria", "Anna Maria"),
        ("李小龍", "李小龍"),
        ("نيلوفر", "نيلوفر"),
        ("d'Artagnan 3rd", "d'Artagnan 3rd"),
        ("x" * MAX_NAME_LENGTH, "x" * MAX_NAME_LENGTH),
    ],
)
def test_names_are_kept_as_typed(typed: str, name: str) -> None:
    assert clean_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["", "   ", "x" * 81, "An\x00na", "An\nna", "An\tna", "\u202eannA", "An\u200bna", "\ud800", "---", "\ue000a"]
)
def test_names_that_cannot_be_shown_are_refused(typed: str) -> None:
    assert clean_name(typed) is None


@given(st.text(max_size=100))
def test_a_clean_name_stays(text: str) -> None:
    name = clean_name(text)
    assert name is None or (clean_name(name) == name and 1 <= len(name) <= MAX_NAME_LENGTH)


def test_a_search_by_name_ignores_case_and_accents() -> None:
    assert search_words("  MÜLLER  Zoé ") == ("muller", "zoe")
    assert len(search_words("a b c d e f g")) == 5
    assert search_words("\x00") == ()


def statement(action: ConsentAction, minutes: int = 0, purpose: ConsentPurpose = ConsentPurpose.MARKETING) -> ConsentRecord:
    at = NOON + dt.timedelta(minutes=minutes)
    return ConsentRecord(purpose=purpose, action=action, source=ConsentSource.PROFILE, text_version="2026-01", locale="fr", at=at)


def test_the_latest_statement_counts() -> None:
    granted, withdrawn = statement(ConsentAction.GRANTED), statement(ConsentAction.WITHDRAWN, 5)
    again = statement(ConsentAction.GRANTED, 9)
    for order in itertools.permutations((granted, withdrawn)):
        assert not has_consent(order, ConsentPurpose.MARKETING)
    for order in itertools.permutations((granted, withdrawn, again)):
        assert has_consent(order, ConsentPurpose.MARKETING)


def test_marketing_and_terms_are_separate_and_nothing_is_presumed() -> None:
    terms = statement(ConsentAction.GRANTED, purpose=ConsentPurpose.TERMS)
    assert has_consent([terms], ConsentPurpose.TERMS)
    assert not has_consent([terms], ConsentPurpose.MARKETING)
    assert not has_consent([], ConsentPurpose.MARKETING)


def test_of_two_statements_at_one_instant_the_withdrawal_counts() -> None:
    for order in itertools.permutations((statement(ConsentAction.GRANTED), statement(ConsentAction.WITHDRAWN))):
        assert not has_consent(order, ConsentPurpose.MARKETING)


def test_the_fingerprint_is_of_person_and_merchant_and_needs_the_key() -> None:
    mark = fingerprint(KEY, merchant_id=MERCHANT, email="anna@example.lu")
    assert len(mark) == 32
    assert fingerprint(KEY, merchant_id=MERCHANT, email=" ANNA@Example.lu") == mark
    assert fingerprint(KEY, merchant_id=uuid.UUID(int=2), email="anna@example.lu") != mark
    assert fingerprint(KEY, merchant_id=MERCHANT, email="anne@example.lu") != mark
    assert fingerprint(bytes(32), merchant_id=MERCHANT, email="anna@example.lu") != mark
    with pytest.raises(ValueError, match="at least 32 bytes"):
        fingerprint(bytes(31), merchant_id=MERCHANT, email="anna@example.lu")


def test_the_guard_holds_for_twelve_months() -> None:
    erased_on = dt.date(2026, 5, 20)
    assert guarded_until(erased_on) == dt.date(2027, 5, 20)
    assert was_erased_recently(erased_on, today=erased_on)
    assert was_erased_recently(erased_on, today=dt.date(2027, 5, 19))
    assert not was_erased_recently(erased_on, today=dt.date(2027, 5, 20))
    assert guarded_until(dt.date(2028, 2, 29)) == dt.date(2029, 2, 28)
    assert not was_erased_recently(None, today=erased_on)
