"""Answers about programs in the trash."""

import datetime as dt
import uuid

from pydantic import ConfigDict, JsonValue

from app.core.web.fields import Answer
from app.core.web.trash import DELETION_EXAMPLE, DeletionAnswer
from app.modules.loyalty.domain.enums import ProgramType

TRASHED_PROGRAM_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e", "type": "stamps", "name": "Brotkarte", "card_name": "Brotkarte", "colour": "#12654b",
    "created_at": "2026-03-02T09:41:00Z", "deletion": DELETION_EXAMPLE,
}  # fmt: skip


class ProgramRow(Answer):
    """A program in a list; `deletion` says how it came into the trash, if it is there."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [TRASHED_PROGRAM_EXAMPLE]})

    id: uuid.UUID
    type: ProgramType
    name: str
    card_name: str
    colour: str
    created_at: dt.datetime
    deletion: DeletionAnswer | None = None


class ProgramList(Answer):
    """The live program, or those in the trash, the latest first, and the cursor of the next page when there is one."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"items": [TRASHED_PROGRAM_EXAMPLE], "next_cursor": None}]}
    )  # fmt: skip

    items: list[ProgramRow]
    next_cursor: str | None = None
