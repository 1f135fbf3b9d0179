"""Field types of request bodies: bounded, and free of what no database or screen can take."""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.core.i18n import N_

CONTROL_CHARACTERS = N_("Please leave out special control characters.")


def _no_control(value: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in value):
        raise PydanticCustomError("control_characters", "control characters", {"msgid": CONTROL_CHARACTERS})
    return value


def _one_line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise PydanticCustomError("control_characters", "control characters", {"msgid": CONTROL_CHARACTERS})
    return value


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_no_control), AfterValidator(_one_line)
]
OptionalLine = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_no_control), AfterValidator(_one_line)
]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254), AfterValidator(_no_control), AfterValidator(_one_line)
]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_no_control)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000), AfterValidator(_no_control)]
Document = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100_000), AfterValidator(_no_control)]
Points = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Cents = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
Cursor = Annotated[str, StringConstraints(max_length=500, pattern=r"^[A-Za-z0-9_-]+$")]


class Body(BaseModel):
    """Base of every request body: an unknown field is an error, so that nobody smuggles `role` or `points_balance` in."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False, frozen=True)


class Answer(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True)


def example(**values: Any) -> ConfigDict:
    """Return a model config with one example for the API's documentation, keeping the rules of `Body`."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [values]})
