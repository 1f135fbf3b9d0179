"""Answers about long work that somebody of the merchant asked for."""

import datetime as dt
import uuid
from typing import Literal

from pydantic import ConfigDict, JsonValue

from app.core.web.fields import Answer

ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
AT = "2026-11-23T10:15:00Z"
FILE_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "name": "cards.csv", "media_type": "text/csv; charset=utf-8", "size": 48_120, "expires_at": AT,
}  # fmt: skip
JOB_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "kind": "loyalty.give_bonus", "title": "Bonus for many cards", "state": "running", "total": 1_000, "done": 500,
    "counts": {"ok": 498, "not_found": 2, "points": 24_900}, "requested_by_user_id": ID, "acting_admin_id": None, "created_at": AT,
    "finished_at": None, "error": None,
}  # fmt: skip
ITEM_EXAMPLE: dict[str, JsonValue] = {
    "position": 17, "key": ID, "label": "1234 5678 9012", "outcome": "conflict", "reason": "card_merged",
    "sentence": "Merged into another card",
}  # fmt: skip
Result = Literal["ok", "not_found", "conflict", "error"]


class JobAnswer(Answer):
    """A job: how far it is, how many of its things went how, and what its kind counts besides. `error` is a code: a job that failed
    is tried again by itself."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [JOB_EXAMPLE]})

    id: uuid.UUID
    kind: str
    title: str
    state: Literal["queued", "running", "done", "failed"]
    total: int
    done: int
    counts: dict[str, int]
    requested_by_user_id: uuid.UUID | None
    acting_admin_id: uuid.UUID | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    error: str | None


class JobList(Answer):
    """Jobs, the latest first."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [JOB_EXAMPLE], "next_cursor": None}]})

    items: list[JobAnswer]
    next_cursor: str | None = None


class JobItemAnswer(Answer):
    """One thing of a job and how it went, null while it waits; `sentence` says in the caller's language what the code means."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [ITEM_EXAMPLE]})

    position: int
    key: str
    label: str
    outcome: Result | None
    reason: str | None
    sentence: str


class JobItemList(Answer):
    """Things of a job, in the order in which they were asked for."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [ITEM_EXAMPLE], "next_cursor": None}]})

    items: list[JobItemAnswer]
    next_cursor: str | None = None


class JobFile(Answer):
    """A file that a job has made, to be downloaded until `expires_at`; `size` in bytes."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [FILE_EXAMPLE]})

    id: uuid.UUID
    name: str
    media_type: str
    size: int
    expires_at: dt.datetime


class JobFileList(Answer):
    """The files that a job has made and that have not expired."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [FILE_EXAMPLE]}]})

    items: list[JobFile]
