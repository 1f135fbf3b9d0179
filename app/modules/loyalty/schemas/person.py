"""What a person says of themselves in a form, with sentences that say what to do."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from app.core.i18n import N_

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
