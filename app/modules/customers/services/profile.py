"""What a person may say of themselves: each field checked and brought to the form in which it is stored."""

import datetime as dt
from typing import Any

from app.core.errors import N_
from app.core.i18n.locale import LOCALES
from app.modules.customers.domain.birth_date import birth_date_problem
from app.modules.customers.domain.email import clean_email, is_valid_email, normalize_email
from app.modules.customers.domain.names import clean_name, search_words
from app.modules.customers.domain.phone import normalize_phone
from app.modules.customers.errors import CustomerInvalidException

NAME_PROBLEM = N_("Please enter a name of at most 80 characters.")
EMAIL_PROBLEM = N_("Please enter a complete e-mail address, such as anna@example.lu.")
PHONE_PROBLEM = N_("Please enter a phone number, such as +352 621 123 456, or leave the field empty.")
LOCALE_PROBLEM = N_("Please choose one of the languages.")


def clean_profile(values: dict[str, Any], *, today: dt.date) -> dict[str, Any]:
    """Return the columns to write for `values`, a part or all of first_name, last_name, email, phone, locale, birth_date.

    An empty phone number or birthday (None or "") clears it. `today` is the merchant's local day. Raises
    CustomerInvalidException with a sentence for every field that is wrong.
    """
    columns, problems = check_profile(values, today=today)
    if problems:
        raise CustomerInvalidException(fields=problems)
    return columns


def check_profile(values: dict[str, Any], *, today: dt.date) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of those `values` that are right, and a sentence for every field that is wrong: see `clean_profile`."""
    columns: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in values.items():
        found: dict[str, Any] | str
        if name in ("first_name", "last_name"):
            found = _clean_name(name, value)
        elif name == "email":
            found = _clean_email(value)
        elif name == "phone":
            found = _clean_phone(value)
        elif name == "birth_date":
            found = (birth_date_problem(value, today=today) if value else None) or {"birth_date": value or None}
        elif name == "locale":
            found = {"locale": value} if value in LOCALES else LOCALE_PROBLEM
        else:
            raise TypeError(f"a customer has no field {name}")
        if isinstance(found, str):
            problems[name] = found
        else:
            columns |= found
    return columns, problems


def _clean_name(field: str, value: str | None) -> dict[str, Any] | str:
    name = clean_name(value or "")
    return NAME_PROBLEM if name is None else {field: name, f"{field}_search": " ".join(search_words(name))}


def _clean_email(value: str | None) -> dict[str, Any] | str:
    if not is_valid_email(value or ""):
        return EMAIL_PROBLEM
    return {"email": clean_email(value or ""), "email_normalized": normalize_email(value or "")}


def _clean_phone(value: str | None) -> dict[str, Any] | str:
    if not (value or "").strip():
        return {"phone": None, "phone_normalized": None}
    number = normalize_phone(value or "")
    return PHONE_PROBLEM if number is None else {"phone": (value or "").strip(), "phone_normalized": number}
