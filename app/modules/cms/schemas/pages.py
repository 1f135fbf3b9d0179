"""Bodies and answers of a merchant's pages."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from app.core.web.fields import Answer, Body, Document, OptionalLine, example
from app.modules.cms.domain.pages import MAX_BODY_LENGTH, MAX_SLUG_LENGTH, MAX_TITLE_LENGTH

Locale = Literal["en", "fr", "de", "lb"]
Slug = Annotated[OptionalLine, StringConstraints(max_length=MAX_SLUG_LENGTH)]
Title = Annotated[OptionalLine, StringConstraints(max_length=MAX_TITLE_LENGTH)]
Markdown = Annotated[Document, StringConstraints(max_length=MAX_BODY_LENGTH)]

STORE_ID = "0199f1a0-1c22-7d10-8a41-6b5c4d3e2f10"
TEXT_EXAMPLE: dict[str, JsonValue] = {
    "title": "Conditions",
    "body": "## Votre carte\n\nLa carte est **gratuite** et personnelle.",
    "revision": 3,
}
ROW_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-9d34-7c21-b6a0-2f4e6a8c0d1e", "store_id": None, "slug": "terms", "title": "Conditions", "is_in_footer": True,
    "published_version": 2, "published_at": "2026-11-23T10:15:00Z", "has_changes": True, "edited_at": "2026-11-23T11:40:00Z",
    "locales": ["fr", "de"], "missing": ["en", "lb"],
}  # fmt: skip
VERSION_EXAMPLE: dict[str, JsonValue] = {
    "number": 2, "published_at": "2026-11-23T10:15:00Z", "locales": ["fr", "de"], "is_public": True, "published_by": "Claire Wagener",
}  # fmt: skip


def _shows(values: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


class PageBody(Body):
    """A new page, with its text in one language to begin with."""

    locale: Locale
    title: Annotated[Title, StringConstraints(min_length=1)]
    body: Markdown = Field("", description="Markdown; HTML is shown as it is typed.")
    slug: Slug | None = Field(None, description="The last part of the public address; made from the title when left out.")
    store_id: uuid.UUID | None = Field(None, description="The store whose page it is; null for all stores.")

    model_config = example(locale="fr", title="Conditions", body="La carte est **gratuite**.", slug="conditions", store_id=STORE_ID)


class PlaceBody(Body):
    """Where a page is found."""

    slug: Slug
    store_id: uuid.UUID | None = None
    is_in_footer: bool

    model_config = example(slug="conditions", store_id=STORE_ID, is_in_footer=True)


class TextBody(Body):
    """What the page says in one language. `revision` is the one that was loaded, 0 for a language not begun yet."""

    title: Title
    body: Markdown = ""
    revision: Annotated[int, Field(ge=0, le=1_000_000)]

    model_config = example(**TEXT_EXAMPLE)


class PreviewBody(Body):
    """A text to look at."""

    title: Title
    body: Markdown = ""

    model_config = example(title="Conditions", body="La carte est **gratuite**.")


class PreviewAnswer(Answer):
    """The text as the public would read it."""

    title: str
    html: str

    model_config = _shows({"title": "Conditions", "html": "<p>La carte est <strong>gratuite</strong>.</p>\n"})


class Text(Answer):
    """The draft in one language."""

    title: str
    body: str
    revision: int


class PageRow(Answer):
    """A page in a list. `locales` are the languages in which the draft is ready, `missing` the others."""

    id: uuid.UUID
    store_id: uuid.UUID | None
    slug: str
    title: str
    is_in_footer: bool
    published_version: int | None = Field(description="The number of the version that the public sees; null for a draft.")
    published_at: dt.datetime | None
    has_changes: bool = Field(description="Whether the draft says something else than what is public.")
    edited_at: dt.datetime
    locales: list[str]
    missing: list[str]

    model_config = _shows(ROW_EXAMPLE)


class PageList(Answer):
    """Some of the merchant's pages, by address."""

    items: list[PageRow]
    next_cursor: str | None = None

    model_config = _shows({"items": [ROW_EXAMPLE], "next_cursor": None})


class PageAnswer(PageRow):
    """A page with its draft in every language that was begun."""

    texts: dict[str, Text]

    model_config = _shows({**ROW_EXAMPLE, "texts": {"fr": TEXT_EXAMPLE}})


class VersionRow(Answer):
    """A text that was published."""

    number: int
    published_at: dt.datetime
    published_by: str | None = Field(description="Who published it; null for the platform and for people who left.")
    locales: list[str]
    is_public: bool

    model_config = _shows(VERSION_EXAMPLE)


class VersionList(Answer):
    """What was published of a page, newest first."""

    items: list[VersionRow]
    next_cursor: str | None = None

    model_config = _shows({"items": [VERSION_EXAMPLE], "next_cursor": None})


class VersionText(Answer):
    """A published text in one language."""

    title: str
    body: str


class VersionAnswer(VersionRow):
    """A version with all it said."""

    texts: dict[str, VersionText]

    model_config = _shows({**VERSION_EXAMPLE, "texts": {"fr": {"title": "Conditions", "body": "La carte est **gratuite**."}}})


class StarterAnswer(Answer):
    """The addresses of the pages that were added as drafts; those that were there stay as they are."""

    added: list[str]

    model_config = _shows({"added": ["accessibility", "privacy", "terms"]})
