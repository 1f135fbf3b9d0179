"""Who may be there twice: examples of the rule."""

import dataclasses
import datetime as dt
import uuid
from typing import Any

import pytest

from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.domain.duplicates import Likeness, email_key, likeness

AT = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
LEA = CustomerRecord(
    id=uuid.UUID(int=1), first_name="Léa", last_name="Weber", email="lea.weber@example.lu", phone="+352 621 123 456",
    birth_date=dt.date(1990, 2, 28), locale="lb", registered_store_id=None, created_at=AT, updated_at=AT, anonymized_at=None,
)  # fmt: skip
STRANGER = dataclasses.replace(
    LEA, id=uuid.UUID(int=2), first_name="Tom", last_name="Klein", email="tom@example.lu", phone=None, birth_date=None
)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Lea.Weber@Example.LU", "leaweber@example.lu"),
        ("l.e.a+bakery+x@sub.example.lu", "lea@sub.example.lu"),
        ("lea@example.lu", "lea@example.lu"),
    ],
)
def test_an_address_without_case_dots_and_plus_part(address: str, key: str) -> None:
    assert email_key(address) == key


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, None),
        ({"first_name": "lea", "last_name": "WEBER", "birth_date": LEA.birth_date}, Likeness.NAME_AND_BIRTHDAY),
        ({"first_name": "Léa", "last_name": "Weber"}, None),
        ({"birth_date": LEA.birth_date}, None),
        ({"email": "LeaWeber+shop@example.lu"}, Likeness.EMAIL),
        ({"email": "lea.weber@example.de"}, None),
        ({"phone": "00352 621 12 34 56"}, Likeness.PHONE),
        ({"phone": "621 123 457"}, None),
        ({"phone": LEA.phone, "anonymized_at": AT}, None),
    ],
)
def test_two_people_are_alike_for_a_reason(changes: dict[str, Any], found: Likeness | None) -> None:
    other = dataclasses.replace(STRANGER, **changes)
    assert likeness(LEA, other) is found
    assert likeness(other, LEA) is found
