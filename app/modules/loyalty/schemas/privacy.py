"""Bodies and answers about people's data: what an erasure takes, and the receipt."""

import datetime as dt
import uuid
from typing import Literal

from pydantic import ConfigDict, JsonValue

from app.core.web.fields import Answer, Body, example

ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
AT = "2026-11-23T10:15:00Z"
PART_EXAMPLE: dict[str, JsonValue] = {"category": "cards", "label": "Cards: number, code and notes", "count": 1}
ERASURE_EXAMPLE: dict[str, JsonValue] = {"customer_id": ID, "parts": [PART_EXAMPLE], "kept_transactions": 14}


def _shows(values: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class ErasurePart(Answer):
    """How much of one category goes; `label` says in the caller's language what it is."""

    model_config = _shows(PART_EXAMPLE)

    category: str
    label: str
    count: int


class ErasurePreview(Answer):
    """What an erasure would take now, and how many rows of the cards' history would stay, without a name."""

    model_config = _shows(ERASURE_EXAMPLE)

    customer_id: uuid.UUID
    parts: list[ErasurePart]
    kept_transactions: int


class ErasureReceipt(ErasurePreview):
    """What was erased, and when. It holds no personal data, so it can be kept."""

    model_config = _shows({**ERASURE_EXAMPLE, "erased_at": AT})

    erased_at: dt.datetime


class EraseMe(Body):
    """That the person means it: `is_confirmed` must be true."""

    model_config = example(is_confirmed=True)

    is_confirmed: Literal[True]
