"""Addresses are recognised without being kept, and shown without being told."""

import pytest

from app.core.ids import new_id
from app.modules.messaging.domain.delivery import fingerprint, mask_email

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "spelling", ["Léa@Example.LU", " léa@example.lu ", "le\u0301a@example.lu", "lÉa@EXAMPLE.lu"], ids=["case", "space", "nfd", "accent"]
)
def test_spellings_of_an_address_are_one(spelling: str) -> None:
    merchant = new_id()
    assert fingerprint(KEY, merchant_id=merchant, email=spelling) == fingerprint(KEY, merchant_id=merchant, email="léa@example.lu")


def test_an_international_domain_is_one_with_its_form_on_the_wire() -> None:
    assert fingerprint(KEY, merchant_id=None, email="lea@München.example") == fingerprint(
        KEY, merchant_id=None, email="lea@xn--mnchen-3ya.example"
    )


def test_what_is_no_address_has_a_fingerprint_all_the_same() -> None:
    assert len(fingerprint(KEY, merchant_id=None, email="lea@" + "x" * 70 + ".lu")) == 32
    assert len(fingerprint(KEY, merchant_id=None, email="no address \ud800")) == 32


def test_lists_of_two_merchants_cannot_be_compared() -> None:
    one, other = new_id(), new_id()
    prints = {fingerprint(KEY, merchant_id=owner, email="lea@example.lu") for owner in (one, other, None)}
    prints.add(fingerprint(KEY[::-1], merchant_id=one, email="lea@example.lu"))
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("email", "masked"),
    [("lea.weber@example.lu", "l•••@e•••.lu"), ("a@b.co.uk", "a•••@b•••.uk"), ("x@localhost", "x•••@•••")],
)
def test_a_mask_tells_its_owner_and_nobody_else(email: str, masked: str) -> None:
    assert mask_email(email) == masked
