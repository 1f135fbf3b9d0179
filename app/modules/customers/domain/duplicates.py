"""Who may be there twice. A likeness is a reason to look, never to act: families share a phone, and names are not unique."""

import enum

from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.domain.email import normalize_email
from app.modules.customers.domain.names import search_words
from app.modules.customers.domain.phone import normalize_phone


class Likeness(enum.StrEnum):
    """Why two people may be one, the surest first."""

    NAME_AND_BIRTHDAY = "name_and_birthday"
    EMAIL = "email"
    PHONE = "phone"


def email_key(email: str) -> str:
    """Return what is left of an address without case, dots and a plus part before the @: anna+bakery@ reaches anna@ at many servers."""
    local, _, domain = normalize_email(email).partition("@")
    return local.partition("+")[0].replace(".", "") + "@" + domain


def likeness(one: CustomerRecord, other: CustomerRecord) -> Likeness | None:
    """Return the surest reason to think that both are one person, or None. An erased person is like nobody."""
    if one.is_anonymized or other.is_anonymized:
        return None
    has_same_name = _name(one) == _name(other)
    if has_same_name and one.birth_date is not None and one.birth_date == other.birth_date:
        return Likeness.NAME_AND_BIRTHDAY
    if one.email and other.email and email_key(one.email) == email_key(other.email):
        return Likeness.EMAIL
    if one.phone and other.phone and normalize_phone(one.phone) == normalize_phone(other.phone):
        return Likeness.PHONE
    return None


def _name(person: CustomerRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return search_words(person.first_name or ""), search_words(person.last_name or "")
