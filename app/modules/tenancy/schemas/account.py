"""Signing in, as the account face asks and answers."""

import uuid
from typing import Annotated, Literal

from pydantic import ConfigDict, JsonValue, StringConstraints

from app.core.i18n import Locale
from app.core.web.fields import Answer, Body, Email, Line, Secret, example

MerchantRole = Literal["owner", "manager", "staff"]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=6, max_length=12, pattern=r"^[0-9 ]+$")]
LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_=-]+$")]

MERCHANT_ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
LOGIN_EXAMPLE = {"email": "anna@boulangerie-weber.lu", "password": "three words and a comma"}
PASSWORD_EXAMPLE = {"current_password": "three words and a comma", "password": "another four words, longer"}
LINK_EXAMPLE = {"token": "AZnxoFt-fDqdPi8cCpuNfg", "password": "another four words, longer"}
PLACE_EXAMPLE: dict[str, JsonValue] = {"merchant_id": MERCHANT_ID, "name": "Boulangerie Weber", "role": "owner", "store_id": None}


class LoginBody(Body):
    """E-mail address and password."""

    model_config = example(**LOGIN_EXAMPLE)

    email: Email
    password: Secret


class CodeBody(Body):
    """Six digits of the authenticator app."""

    model_config = example(code="492 039")

    code: Code


class ChooseMerchantBody(Body):
    """The merchant to work for."""

    model_config = example(merchant_id=MERCHANT_ID)

    merchant_id: uuid.UUID


class LanguageBody(Body):
    """The language to read in."""

    model_config = example(locale="lb")

    locale: Locale


class NameBody(Body):
    """One's own name, as colleagues and the history show it."""

    model_config = example(display_name="Anna Weber")

    display_name: Line


class PasswordBody(Body):
    """The present password and the new one: at least 15 characters, or 8 with an authenticator app."""

    model_config = example(**PASSWORD_EXAMPLE)

    current_password: Secret
    password: Secret


class LinkRequestBody(Body):
    """Whose password is to be set anew."""

    model_config = example(email="anna@boulangerie-weber.lu")

    email: Email


class LinkPasswordBody(Body):
    """The link's secret part and the new password."""

    model_config = example(**LINK_EXAMPLE)

    token: LinkToken
    password: Secret


class PlaceAnswer(Answer):
    """A merchant that the person works for; with `store_id` at that store only."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [PLACE_EXAMPLE]})

    merchant_id: uuid.UUID
    name: str
    role: MerchantRole
    store_id: uuid.UUID | None


class SignInAnswer(Answer):
    """How far signing in has come. `next` is the page to go to; the session is in a cookie that scripts cannot read."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"state": "signed_in", "next": "/merchants", "merchants": [PLACE_EXAMPLE]}]}
    )

    state: Literal["second_factor", "signed_in", "choose_merchant"]
    next: str
    merchants: list[PlaceAnswer]


class AccountAnswer(Answer):
    """The signed-in person."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0199f1a0-6a11-7e52-8f00-5d2b7c1a4e90", "email": "anna@boulangerie-weber.lu", "display_name": "Anna Weber",
                    "locale": "lb", "is_platform_admin": False, "role": "owner", "merchant_id": MERCHANT_ID,
                    "merchant_name": "Boulangerie Weber", "store_id": None, "merchants": [PLACE_EXAMPLE],
                }
            ]
        },
    )  # fmt: skip

    id: uuid.UUID
    email: str
    display_name: str
    locale: Locale
    is_platform_admin: bool
    role: str
    merchant_id: uuid.UUID | None
    merchant_name: str | None
    store_id: uuid.UUID | None
    merchants: list[PlaceAnswer]
