"""Cards and customers of all merchants, as the platform's face answers."""

import datetime as dt
import uuid

from pydantic import ConfigDict, JsonValue

from app.core.i18n import Locale
from app.core.web.fields import Answer
from app.modules.loyalty.domain.enums import CardStatus

MERCHANT_ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
CUSTOMER_ID = "0199f1a0-7d11-7e42-8f13-2b3c4d5e6f70"
CARD_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f", "merchant_id": MERCHANT_ID, "card_number": "481920377412", "status": "active",
    "customer_id": CUSTOMER_ID, "holder_name": "Léa Weber", "holder_email": "lea.weber@example.lu",
    "enrolled_at_store_id": "0199f1a0-4c21-7d11-8e22-3b4c5d6e7f81", "stamp_count": 4, "stamps_target": 10, "points_balance": 180,
    "created_at": "2026-03-02T09:15:00Z", "deleted_at": None, "deletion_reason": "",
}  # fmt: skip
CUSTOMER_EXAMPLE: dict[str, JsonValue] = {
    "id": CUSTOMER_ID, "merchant_id": MERCHANT_ID, "first_name": "Léa", "last_name": "Weber", "email": "lea.weber@example.lu",
    "phone": "+352 621 123 456", "locale": "lb", "created_at": "2026-03-02T09:15:00Z", "anonymized_at": None,
}  # fmt: skip


class PlatformCardAnswer(Answer):
    """A card of any merchant with its holder (null for an erased person); in the trash since `deleted_at`."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [CARD_EXAMPLE]})

    id: uuid.UUID
    merchant_id: uuid.UUID
    card_number: str
    status: CardStatus
    customer_id: uuid.UUID | None
    holder_name: str | None
    holder_email: str | None
    enrolled_at_store_id: uuid.UUID
    stamp_count: int
    stamps_target: int
    points_balance: int
    created_at: dt.datetime
    deleted_at: dt.datetime | None
    deletion_reason: str


class PlatformCardPage(Answer):
    """A page of cards; `next_cursor` leads on. What a text finds is one page."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [CARD_EXAMPLE], "next_cursor": None}]})

    items: list[PlatformCardAnswer]
    next_cursor: str | None


class PlatformCustomerAnswer(Answer):
    """A customer of any merchant; after an erasure without a name and address."""

    model_config = ConfigDict(frozen=True, from_attributes=True, json_schema_extra={"examples": [CUSTOMER_EXAMPLE]})

    id: uuid.UUID
    merchant_id: uuid.UUID
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    locale: Locale
    created_at: dt.datetime
    anonymized_at: dt.datetime | None


class PlatformCustomerPage(Answer):
    """A page of customers; `next_cursor` leads on. What a text finds is one page."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [CUSTOMER_EXAMPLE], "next_cursor": None}]})

    items: list[PlatformCustomerAnswer]
    next_cursor: str | None
