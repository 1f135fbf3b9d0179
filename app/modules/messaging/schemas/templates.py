"""Bodies and answers of the mail templates, for merchants and for the platform."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints

from app.core.web.fields import Answer, Body, LongText, OptionalLine, example
from app.modules.messaging.domain.sentences import MAX_LENGTHS

Code = Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


Reason = Annotated[LongText, AfterValidator(_on_one_line)]

COPY_EXAMPLE: dict[str, JsonValue] = {
    "subject": "Ihre Treuekarte ist bereit – {{merchant_name}}",
    "preheader": "Zeigen Sie sie bei jedem Besuch.",
    "heading": "Ihre Karte ist bereit",
    "before": "{{greeting}}\n\nDanke, dass Sie dabei sind.",
    "button": "Meine Karte öffnen",
    "after": "Ihre Karte gilt hier: {{locations}}.",
    "reason": "Sie erhalten diese E-Mail, weil Sie Mitglied geworden sind.",
}  # fmt: skip
ROW_EXAMPLE: dict[str, JsonValue] = {
    "code": "loyalty_enrollment", "title": "Willkommen mit der Karte", "category": "service", "sender": "merchant",
    "occasion": "Gleich nachdem jemand Mitglied geworden ist.", "locales": ["en", "fr", "de", "lb"], "own_locales": ["de"],
}  # fmt: skip


def _shows(values: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class CopyBody(Body):
    """The sentences of a mail. Each may hold `{{variables}}` of that mail. `before` and `after` the button are paragraphs, parted by
    empty lines; HTML is shown as it is typed."""

    subject: OptionalLine = Field(description=f"At most {MAX_LENGTHS['subject']} characters.")
    preheader: OptionalLine = Field("", description="What a mailbox shows after the subject.")
    heading: OptionalLine
    before: LongText = ""
    button: OptionalLine
    after: LongText = ""
    reason: Reason = Field(description="At the foot: why the reader gets this mail.")

    model_config = example(**COPY_EXAMPLE)


class Copy(Answer):
    """The sentences of a mail as they are."""

    subject: str
    preheader: str
    heading: str
    before: str
    button: str
    after: str
    reason: str


class TemplateRow(Answer):
    """A mail in a list. `own_locales` are the languages with sentences of one's own."""

    code: str
    title: str
    occasion: str
    category: Literal["service", "reminder", "marketing"]
    sender: Literal["merchant", "platform"]
    locales: list[str]
    own_locales: list[str]

    model_config = _shows(ROW_EXAMPLE)


class TemplateList(Answer):
    """All mails."""

    items: list[TemplateRow]

    model_config = _shows({"items": [ROW_EXAMPLE]})


class TemplateAnswer(Answer):
    """A mail in one language: its sentences, those of the standard, and the variables that may, and those that must, stand in them."""

    code: str
    locale: str
    title: str
    occasion: str
    category: Literal["service", "reminder", "marketing"]
    sender: Literal["merchant", "platform"]
    is_own: bool = Field(description="Whether these are one's own sentences and not the standard's.")
    sentences: Copy
    standard: Copy
    variables: list[str]
    required: list[str]
    updated_at: dt.datetime

    model_config = _shows(
        {
            **{name: value for name, value in ROW_EXAMPLE.items() if name not in ("locales", "own_locales")},
            "locale": "de", "is_own": True, "sentences": COPY_EXAMPLE, "standard": COPY_EXAMPLE,
            "variables": ["greeting", "locations", "merchant_name"], "required": [], "updated_at": "2026-11-23T10:15:00Z",
        }
    )  # fmt: skip


class PreviewAnswer(Answer):
    """A mail with sample values, as a mailbox would get it."""

    subject: str
    preheader: str
    html: str
    text: str

    model_config = _shows(
        {
            "subject": "Ihre Treuekarte ist bereit – Bäckerei Nord",
            "preheader": "Zeigen Sie sie bei jedem Besuch.",
            "html": '<!DOCTYPE html><html lang="de">…</html>',
            "text": "Guten Tag Zoé,\n\nDanke, dass Sie dabei sind.",
        }
    )


class TrialAnswer(Answer):
    """Where the test went: the address of whoever asked for it."""

    recipient: str

    model_config = _shows({"recipient": "marie@example.lu"})
