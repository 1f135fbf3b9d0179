"""Everybody who signs in, as the platform's face asks and answers."""

import datetime as dt
import uuid
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from app.core.i18n import Locale
from app.core.web.fields import Answer, Body, Line, example
from app.modules.tenancy.schemas.account import MERCHANT_ID, MerchantRole

USER_ID = "0199f1a0-6a11-7b22-8c33-9d44ae55bf66"
PLACE_EXAMPLE: dict[str, JsonValue] = {
    "merchant_id": MERCHANT_ID, "merchant_name": "Boulangerie Weber", "role": "owner", "store_id": None, "store_name": None,
}  # fmt: skip
PERSON_EXAMPLE: dict[str, JsonValue] = {
    "id": USER_ID, "email": "anna@boulangerie-weber.lu", "display_name": "Anna Weber", "locale": "fr", "is_platform_admin": False,
    "has_password": True, "has_second_factor": False, "created_at": "2026-11-23T10:15:00Z", "last_signed_in_at": "2026-11-24T07:02:11Z",
    "disabled_at": None, "places": [PLACE_EXAMPLE],
}  # fmt: skip


class PlaceOfWork(Answer):
    """A merchant that somebody works for: as what, and at which store only (null: all)."""

    model_config = ConfigDict(frozen=True, from_attributes=True, json_schema_extra={"examples": [PLACE_EXAMPLE]})

    merchant_id: uuid.UUID
    merchant_name: str
    role: MerchantRole
    store_id: uuid.UUID | None
    store_name: str | None


class UserAnswer(Answer):
    """Somebody who signs in. Without a password they were invited and have not come yet; since `disabled_at` they are shut out."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [PERSON_EXAMPLE]})

    id: uuid.UUID
    email: str
    display_name: str
    locale: Locale
    is_platform_admin: bool
    has_password: bool
    has_second_factor: bool
    created_at: dt.datetime
    last_signed_in_at: dt.datetime | None
    disabled_at: dt.datetime | None
    places: list[PlaceOfWork]


class UserPage(Answer):
    """A page of everybody who signs in; `next_cursor` leads on."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [PERSON_EXAMPLE], "next_cursor": None}]})

    items: list[UserAnswer]
    next_cursor: str | None


class DisableBody(Body):
    """Why somebody is shut out: for the audit log."""

    model_config = example(reason="Left the company; asked for by its owner.")

    reason: Annotated[Line, Field(description="Why, for the audit log.")]


class EndedSessions(Answer):
    """How many sessions ended."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"ended": 2}]})

    ended: int


class SentLink(Answer):
    """Until when the mailed link sets a password."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"expires_at": "2026-11-23T10:45:00Z"}]})

    expires_at: dt.datetime
