"""What a person says of themselves in a form, with sentences that say what to do."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.core.i18n import N_, Locale
from app.core.web.fields import Body, Email, Line, OptionalLine, example

TERMS_NEEDED = N_("Please accept the terms to get a card.")
NOT_A_DATE = N_("This date does not exist. Please check day, month and year.")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _is_accepted(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("terms_not_accepted", "terms not accepted", {"msgid": TERMS_NEEDED})
    return value


def _real_date(value: Any) -> Any:
    """Return the date of an ISO text; the 31st of June has the right form and no day. Whether it can be a birthday is the rule's."""
    if value is None or isinstance(value, dt.date):
        return value
    try:
        if isinstance(value, str) and _ISO_DATE.fullmatch(value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("not_a_date", "not a date", {"msgid": NOT_A_DATE})


AcceptedTerms = Annotated[bool, AfterValidator(_is_accepted)]
BirthDate = Annotated[dt.date, BeforeValidator(_real_date)]


class EnrollmentForm(Body):
    """Who wants a card (A9): the same questions on a phone and at the counter."""

    model_config = example(
        first_name="Léa", last_name="Weber", email="lea.weber@example.lu", phone="+352 621 123 456", birth_date="1990-02-28",
        locale="lb", has_accepted_terms=True, wants_marketing=False,
    )  # fmt: skip

    first_name: Line
    last_name: Line
    email: Email
    phone: OptionalLine | None = None
    birth_date: BirthDate | None = None
    locale: Locale
    has_accepted_terms: AcceptedTerms
    wants_marketing: bool = False
    terms_seen: Annotated[OptionalLine, StringConstraints(max_length=80)] | None = Field(
        None, description="Which text of the terms the form showed, as the page says it; without it the one that counts now."
    )
