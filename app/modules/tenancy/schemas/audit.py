"""The audit log, as the platform's face answers."""

import datetime as dt
import uuid

from pydantic import ConfigDict, JsonValue

from app.core.web.fields import Answer
from app.modules.tenancy.schemas.account import MERCHANT_ID
from app.modules.tenancy.schemas.people import USER_ID

ENTRY_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f", "at": "2026-11-23T10:15:00Z", "merchant_id": MERCHANT_ID,
    "merchant_name": "Boulangerie Weber", "action": "loyalty.card.deactivated", "target_type": "card",
    "target_id": "0199f1a0-5c33-7a10-8b20-1f2e3d4c5b6a", "actor_kind": "user", "actor_id": USER_ID, "actor_name": "Anna Weber",
    "acting_admin_id": None, "acting_admin_name": None, "staff_pin_id": None, "request_id": "5f0c1f2e9a", "address": "192.0.2.7",
    "details": {"reason": "Card was lost"},
}  # fmt: skip


class AuditEntryAnswer(Answer):
    """Who did what to what, when and from where. `acting_admin_id`: an admin of the platform did it for the merchant."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [ENTRY_EXAMPLE]})

    id: uuid.UUID
    at: dt.datetime
    merchant_id: uuid.UUID | None
    merchant_name: str | None
    action: str
    target_type: str
    target_id: uuid.UUID | None
    actor_kind: str
    actor_id: uuid.UUID | None
    actor_name: str | None
    acting_admin_id: uuid.UUID | None
    acting_admin_name: str | None
    staff_pin_id: uuid.UUID | None
    request_id: str
    address: str | None
    details: dict[str, JsonValue]


class AuditEntryPage(Answer):
    """A page of the log, newest first; `next_cursor` leads on."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [ENTRY_EXAMPLE], "next_cursor": None}]})

    items: list[AuditEntryAnswer]
    next_cursor: str | None
