"""E-mail addresses: the examples of domain.md, Identity."""

import pytest

from app.modules.tenancy.domain.email_address import is_email, normalize_email, require_email
from app.modules.tenancy.errors import EmailInvalidException


@pytest.mark.parametrize(
    ("typed", "normalized"),
    [
        ("  Anna@Example.LU ", "anna@example.lu"),
        ("ＡＮＮＡ@example.lu", "anna@example.lu"),
        ("STRASSE@example.lu", "strasse@example.lu"),
        ("straße@example.lu", "strasse@example.lu"),
        ("an.na+news@example.lu", "an.na+news@example.lu"),
    ],
)
def test_addresses_are_compared_trimmed_nfkc_and_casefolded(typed: str, normalized: str) -> None:
    assert normalize_email(typed) == normalized
    assert require_email(typed) == normalized


@pytest.mark.parametrize(
    "text",
    ["", "anna", "anna@", "@example.lu", "anna@example", "an na@example.lu", "a@b@c.lu", "a@b..lu", "a@.lu", "\x00@b.lu", "\udcff@b.lu",
     "a" * 65 + "@example.lu", "a@" + "b" * 250 + ".lu"],
)  # fmt: skip
def test_what_cannot_be_an_address_is_refused_for_its_field(text: str) -> None:
    assert not is_email(normalize_email(text))
    with pytest.raises(EmailInvalidException) as refusal:
        require_email(text, field="owner_email")
    assert list(refusal.value.fields) == ["owner_email"]
