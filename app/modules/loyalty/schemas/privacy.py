"""Bodies and answers about people's data: what an erasure takes, and the receipt."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from app.core.i18n import N_
from app.core.web.fields import Answer, Body, example

NOT_CONFIRMED = N_("Please confirm by ticking this box. Nothing was deleted.")
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


def _is_ticked(value: Any) -> Any:
    if value is not True:
        raise PydanticCustomError("not_confirmed", "not confirmed", {"msgid": NOT_CONFIRMED})
    return value


class ErasureConfirmed(Body):
    """That whoever erases means it: `is_confirmed` must be true."""

    model_config = example(is_confirmed=True)

    is_confirmed: Annotated[Literal[True], BeforeValidator(_is_ticked)]


DOWNLOAD_EXAMPLE: dict[str, JsonValue] = {
    "id": ID, "name": "my-data-2026-11-23.zip", "is_ready": True, "size": 4_812, "requested_at": AT, "expires_at": "2026-11-24T10:15:00Z",
}  # fmt: skip


class Download(Answer):
    """A download of one's own data: being made until `is_ready`, gone at `expires_at`; `size` in bytes."""

    model_config = _shows(DOWNLOAD_EXAMPLE)

    id: uuid.UUID
    name: str
    is_ready: bool
    size: int
    requested_at: dt.datetime
    expires_at: dt.datetime


class DownloadList(Answer):
    """One's downloads that have not expired, the latest first."""

    model_config = _shows({"items": [DOWNLOAD_EXAMPLE]})

    items: list[Download]


class MyData(Answer):
    """Everything that is held on a person, by section; docs/modules/loyalty/privacy.md describes each. Version 1 only ever grows."""

    model_config = _shows(
        {
            "format": "orion-customer-data", "version": 1, "made_at": AT, "merchant": {"name": "Bäckerei", "contact_email": None},
            "profile": {"id": ID, "first_name": "Léa", "email": "lea@example.lu", "language": "lb"},
            "consents": [{"at": AT, "purpose": "terms", "action": "granted", "source": "storefront", "text_version": "1"}],
            "cards": [{"id": ID, "card_number": "482917365093", "status": "active", "points": 120}],
            "transactions": [{"at": AT, "card_id": ID, "type": "points_earned", "points": 12, "points_after": 120}],
            "mails": [{"created_at": AT, "template": "loyalty_enrollment", "state": "sent"}], "sign_ins": [], "birthday_greetings": [],
            "log": [{"at": AT, "action": "loyalty.card.enrolled", "details": {}, "address": None}],
        }
    )  # fmt: skip

    format: Literal["orion-customer-data"]
    version: Literal[1]
    made_at: dt.datetime
    merchant: dict[str, JsonValue]
    profile: dict[str, JsonValue]
    consents: list[dict[str, JsonValue]]
    cards: list[dict[str, JsonValue]]
    transactions: list[dict[str, JsonValue]]
    mails: list[dict[str, JsonValue]]
    sign_ins: list[dict[str, JsonValue]]
    birthday_greetings: list[dict[str, JsonValue]]
    log: list[dict[str, JsonValue]]


class RetentionBody(Body):
    """After how many years without a visit people are told and then erased; null: never."""

    model_config = example(retention_years=3)

    retention_years: Annotated[int, Field(strict=True, ge=1, le=10)] | None


class RetentionAnswer(Answer):
    """After how many years without a visit people are erased; null: never."""

    model_config = _shows({"retention_years": 3})

    retention_years: int | None
