"""Answers of the merchant's face about its audit log."""

import datetime as dt
import uuid

from pydantic import ConfigDict, JsonValue

from app.core.web.fields import Answer

ENTRY_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f", "at": "2026-11-23T10:15:00Z", "action": "loyalty.card.deactivated",
    "text": "Switched a card off", "actor_kind": "user", "actor_id": "0199f1a0-8d33-7a52-8c22-4b5c6d7e8f90", "actor": "Luc Weber",
    "staff_pin_id": None, "is_by_platform": False, "target_type": "card", "target_id": "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e",
    "target": "4829 1736 5093", "details": {"reason": "Card was lost"},
}  # fmt: skip


class AuditEntry(Answer):
    """Who did what to what, and when. `text` and `actor` are in the caller's language; `is_by_platform`: its support did it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [ENTRY_EXAMPLE]})

    id: uuid.UUID
    at: dt.datetime
    action: str
    text: str
    actor_kind: str
    actor_id: uuid.UUID | None
    actor: str
    staff_pin_id: uuid.UUID | None
    is_by_platform: bool
    target_type: str
    target_id: uuid.UUID | None
    target: str | None
    details: dict[str, JsonValue]


class AuditPage(Answer):
    """A page of the log, newest first. With a family of actions it may hold fewer than asked for although `next_cursor` leads on."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"items": [ENTRY_EXAMPLE], "next_cursor": None, "previous_cursor": None}]}
    )

    items: list[AuditEntry]
    next_cursor: str | None = None
    previous_cursor: str | None = None
