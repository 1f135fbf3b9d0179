"""Merchants, stores and teams, as the merchant's and the platform's face ask and answer."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, JsonValue, StringConstraints

from app.core.i18n import Locale
from app.core.web.fields import Answer, Body, Email, Line, LongText, OptionalLine, example
from app.core.web.trash import DeletionAnswer
from app.modules.tenancy.schemas.account import MERCHANT_ID, MerchantRole

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")]
StoreCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
PostalCode = Annotated[OptionalLine, StringConstraints(min_length=1, max_length=16)]
Phone = Annotated[OptionalLine, StringConstraints(max_length=40, pattern=r"^[0-9+()/. -]*$")]
Opening = Annotated[LongText, StringConstraints(max_length=500)]

STORE_ID = "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f"
STORE_BODY: dict[str, JsonValue] = {
    "name": "Grand-Rue", "address_line": "14, Grand-Rue", "postal_code": "L-1661", "city": "Luxembourg", "country": "LU",
    "time_zone": "Europe/Luxembourg", "locale": "fr", "phone": "+352 26 12 34", "opening_text": "Lu–Ve 6:30–18:30, Sa 7:00–17:00",
}  # fmt: skip
STORE_EXAMPLE: dict[str, JsonValue] = STORE_BODY | {
    "id": STORE_ID, "code": "weber-grand-rue", "status": "open", "created_at": "2026-11-23T10:15:00Z",
}  # fmt: skip
STORE_ROW_EXAMPLE: dict[str, JsonValue] = STORE_EXAMPLE | {
    "merchant_id": MERCHANT_ID, "merchant_name": "Boulangerie Weber", "merchant_status": "active",
}  # fmt: skip
MERCHANT_EXAMPLE: dict[str, JsonValue] = {
    "id": MERCHANT_ID, "name": "Boulangerie Weber", "contact_email": "bonjour@boulangerie-weber.lu", "time_zone": "Europe/Luxembourg",
    "locale": "fr", "currency": "EUR", "status": "active", "created_at": "2026-11-23T10:15:00Z",
}  # fmt: skip
MEMBER_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-8d33-7a52-8c22-4b5c6d7e8f90", "email": "luc@boulangerie-weber.lu", "display_name": "Luc Weber", "role": "manager",
    "store_id": None, "created_at": "2026-11-23T10:15:00Z", "last_signed_in_at": None,
}  # fmt: skip
KEY_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-9e44-7b63-9d33-5c6d7e8f9012", "name": "Till Grand-Rue", "role": "staff", "store_id": STORE_ID,
    "created_at": "2026-11-23T10:15:00Z", "last_used_at": None, "expires_at": None,
}  # fmt: skip


class ProfileBody(Body):
    """How a merchant describes itself. The time zone rules birthdays, expiry and months."""

    model_config = example(
        name="Boulangerie Weber", contact_email="bonjour@boulangerie-weber.lu", time_zone="Europe/Luxembourg", locale="fr"
    )

    name: Line
    contact_email: Email | None = None
    time_zone: Zone
    locale: Locale


class _Place(Body):
    """Where a store is, and how to reach it."""

    name: Line
    address_line: Line
    postal_code: PostalCode
    city: Line
    country: Country = "LU"
    phone: Phone | None = None
    opening_text: Opening | None = None


class StoreFields(_Place):
    """Everything about a store that can be changed."""

    model_config = example(**STORE_BODY)

    time_zone: Zone
    locale: Locale


class NewStoreBody(StoreFields):
    """A new store. Without `code` one is made from its name."""

    model_config = example(**STORE_BODY, code="weber-grand-rue")

    code: StoreCode | None = None


class FirstStoreBody(_Place):
    """The store with which a merchant begins. Time zone and language are the merchant's unless given."""

    model_config = example(**{name: value for name, value in STORE_BODY.items() if name not in ("time_zone", "locale")})

    time_zone: Zone | None = None
    locale: Locale | None = None
    code: StoreCode | None = None


class NewMemberBody(Body):
    """Somebody to add to the team, for all stores or for one."""

    model_config = example(email="luc@boulangerie-weber.lu", display_name="Luc Weber", role="manager", store_id=None, locale="lb")

    email: Email
    display_name: Line
    role: MerchantRole
    store_id: uuid.UUID | None = None
    locale: Locale = "fr"


class MemberBody(Body):
    """What somebody of the team is from now on."""

    model_config = example(display_name="Luc Weber", role="staff", store_id=STORE_ID)

    display_name: Line
    role: MerchantRole
    store_id: uuid.UUID | None = None


class NewApiKeyBody(Body):
    """A key for a script: what it may do at most, at which store, and until when."""

    model_config = example(name="Till Grand-Rue", role="staff", store_id=STORE_ID, expires_at="2027-11-23T00:00:00Z")

    name: Line
    role: MerchantRole
    store_id: uuid.UUID | None = None
    expires_at: AwareDatetime | None = None


class ChooseStoreBody(Body):
    """The store at whose counter the signed-in person works."""

    model_config = example(store_id=STORE_ID)

    store_id: uuid.UUID


class NewMerchantBody(Body):
    """A new merchant with its first store and its owner, who is sent a link to set a password."""

    model_config = example(
        name="Boulangerie Weber",
        contact_email="bonjour@boulangerie-weber.lu",
        time_zone="Europe/Luxembourg",
        locale="fr",
        currency="EUR",
        owner_email="anna@boulangerie-weber.lu",
        owner_name="Anna Weber",
        store=STORE_BODY,
    )

    name: Line
    contact_email: Email | None = None
    time_zone: Zone
    locale: Locale
    currency: Currency = "EUR"
    owner_email: Email
    owner_name: Line
    store: FirstStoreBody


class MerchantAnswer(Answer):
    """A merchant; `deletion` says how it came into the trash, if it is there."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [MERCHANT_EXAMPLE]})

    id: uuid.UUID
    name: str
    contact_email: str | None
    time_zone: str
    locale: Locale
    currency: str
    status: Literal["active", "suspended"]
    created_at: dt.datetime
    deletion: DeletionAnswer | None = None


class StoreAnswer(Answer):
    """A store; `code` is its address: /s/{code}/…, `deletion` says how it came into the trash, if it is there."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [STORE_EXAMPLE]})

    id: uuid.UUID
    code: str
    name: str
    address_line: str
    postal_code: str
    city: str
    country: str
    time_zone: str
    locale: Locale
    phone: str | None
    opening_text: str | None
    status: Literal["open", "closed"]
    created_at: dt.datetime
    deletion: DeletionAnswer | None = None


class StoreList(Answer):
    """A merchant's stores, by name; what lies in the trash comes in pages, to which `next_cursor` leads."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [STORE_EXAMPLE], "next_cursor": None}]})

    items: list[StoreAnswer]
    next_cursor: str | None = None


class MemberAnswer(Answer):
    """Somebody of the team; with `store_id` they work at that store only. Who has not come yet has no `last_signed_in_at`."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [MEMBER_EXAMPLE]})

    id: uuid.UUID
    email: str
    display_name: str
    role: MerchantRole
    store_id: uuid.UUID | None
    created_at: dt.datetime
    last_signed_in_at: dt.datetime | None


class MemberList(Answer):
    """The team: owners, managers, staff, each by name."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [MEMBER_EXAMPLE]}]})

    items: list[MemberAnswer]


class ApiKeyAnswer(Answer):
    """A key, without its secret."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [KEY_EXAMPLE]})

    id: uuid.UUID
    name: str
    role: MerchantRole
    store_id: uuid.UUID | None
    created_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_at: dt.datetime | None


class NewApiKeyAnswer(ApiKeyAnswer):
    """A key just made. `secret` is shown this once: `Authorization: Bearer <secret>`."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [KEY_EXAMPLE | {"secret": "shown-once"}]})

    secret: str


class ApiKeyList(Answer):
    """The keys that work, the newest first."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [KEY_EXAMPLE]}]})

    items: list[ApiKeyAnswer]


class MerchantRow(MerchantAnswer):
    """A row of the platform's list."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [MERCHANT_EXAMPLE | {"store_count": 3, "member_count": 7}]})

    store_count: int
    member_count: int


class MerchantPage(Answer):
    """A page of merchants by name; `next_cursor` leads on."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"items": [MERCHANT_EXAMPLE | {"store_count": 3, "member_count": 7}], "next_cursor": None}]},
    )

    items: list[MerchantRow]
    next_cursor: str | None


class StoreRow(StoreAnswer):
    """A row of the platform's list of stores: the store, and whose it is."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [STORE_ROW_EXAMPLE]})

    merchant_id: uuid.UUID
    merchant_name: str
    merchant_status: Literal["active", "suspended"]


class StorePage(Answer):
    """A page of all merchants' stores by name; `next_cursor` leads on."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [STORE_ROW_EXAMPLE], "next_cursor": None}]})

    items: list[StoreRow]
    next_cursor: str | None


class NewMerchantAnswer(Answer):
    """A merchant just made, with its first store and owner."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"merchant": MERCHANT_EXAMPLE, "store": STORE_EXAMPLE, "owner": MEMBER_EXAMPLE}]}
    )

    merchant: MerchantAnswer
    store: StoreAnswer
    owner: MemberAnswer
