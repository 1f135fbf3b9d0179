"""Bodies and answers of every trash: put away with a reason, taken back one by one or several at once, deleted for good."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query
from pydantic import ConfigDict, Field, JsonValue
from starlette.requests import Request

from app.core import permissions, trash
from app.core.context import Ctx, PlatformCtx
from app.core.errors import Forbidden
from app.core.i18n import _
from app.core.pagination import Page
from app.core.trash import Deletion, Outcome
from app.core.web import problems
from app.core.web.fields import Answer, Body, Line, example
from app.core.web.lists import page_links

C = TypeVar("C", Ctx, PlatformCtx)
ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e"
OTHER_ID = "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7f"
DELETION_EXAMPLE: dict[str, JsonValue] = {
    "deleted_at": "2026-11-23T10:15:00Z", "deleted_by": "Luc Weber", "reason": "Made by mistake",
    "deletion_id": "0199f1a0-2d10-7a4e-9a31-0c1b2a3f4e5d",
}  # fmt: skip

OnlyDeleted = Annotated[bool, Query(description="What lies in the trash, the latest first, instead of what is live.")]


def require_right(ctx: Ctx, permission: str) -> None:
    """Raise Forbidden unless the caller holds `permission`: a list that all may read shows its trash to fewer."""
    if not permissions.is_allowed(permission, ctx.actor.role, bound_to=ctx.actor.store_id):
        raise Forbidden


class TrashBody(Body):
    """Why something goes into the trash; shown there, and kept in the audit log."""

    model_config = example(reason="Made by mistake")

    reason: Line


class PurgeBody(Body):
    """The name (of a card: its number) of what is to be deleted for good, typed by whoever wants it."""

    model_config = example(confirmation="Brotkarte")

    confirmation: Line


class RestoreManyBody(Body):
    """What to take out of the trash, at most 100 at once."""

    model_config = example(ids=[ID, OTHER_ID])

    ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=trash.MAX_AT_ONCE)]


class DeletionAnswer(Answer):
    """How something came into the trash. Whatever went in one act has the same `deletion_id` and comes back together."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [DELETION_EXAMPLE]})

    deleted_at: dt.datetime
    deleted_by: str
    reason: str
    deletion_id: uuid.UUID | None


class RestoredItem(Answer):
    """What became of one of several; `code` and `detail` say why it stays in the trash, `params` what is in its way."""

    id: uuid.UUID
    outcome: Literal["ok", "not_found", "conflict"]
    code: str | None = None
    detail: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class RestoredList(Answer):
    """What became of each, in the order asked for."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"id": ID, "outcome": "ok", "code": None, "detail": None, "params": {}},
                        {"id": OTHER_ID, "outcome": "not_found", "code": "not_found", "detail": "We could not find that.", "params": {}},
                    ]
                }
            ]
        },
    )

    items: list[RestoredItem]


def deletion_answer(deletion: Deletion, names: Mapping[uuid.UUID, str]) -> DeletionAnswer:
    """Return how something came into the trash; `names` are those of the people whom the reader may know."""
    return DeletionAnswer(
        deleted_at=deletion.at, deleted_by=deleted_by(deletion, names), reason=deletion.reason, deletion_id=deletion.id
    )  # fmt: skip


def deleted_by(deletion: Deletion, names: Mapping[uuid.UUID, str]) -> str:
    """Return who put something away, in words: a name, or what the platform or the system did."""
    if deletion.by_user_id is None:
        return _("The system")
    return names.get(deletion.by_user_id) or _("The platform")


@dataclasses.dataclass(frozen=True, slots=True)
class TrashItem:
    """Something that a page shows in its trash: what it is, how it came there, and its `address` in the API.

    `typed` is what somebody types to delete it for good; without, its name.
    """

    id: uuid.UUID
    name: str
    note: str
    deletion: Deletion
    address: str
    typed: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class TrashRow:
    """A row of a page that shows the trash (macro `trash_list`): what it is, how it came there, where to send what.

    Without `purge_action` the reader may not delete it for good.
    """

    id: uuid.UUID
    name: str
    note: str
    deletion: Deletion
    deleted_by: str
    restore_action: str
    purge_action: str | None
    typed: str


async def trash_values(
    request: Request,
    ctx: C,
    page: Page[Any],
    items: Sequence[TrashItem],
    names_of: Callable[[C, Sequence[Deletion]], Awaitable[Mapping[uuid.UUID, str]]],
    *,
    may_purge: bool,
) -> dict[str, Any]:
    """Return the `rows` and `links` of a page that shows `items` of its trash; `names_of` knows who put them there."""
    names = await names_of(ctx, [item.deletion for item in items])
    return {
        "rows": [
            TrashRow(
                id=item.id,
                name=item.name,
                note=item.note,
                deletion=item.deletion,
                deleted_by=deleted_by(item.deletion, names),
                restore_action=f"{item.address}/restore",
                purge_action=f"{item.address}/purge" if may_purge else None,
                typed=item.typed or item.name,
            )
            for item in items
        ],
        "links": page_links(request, page),
    }


def restored_list(outcomes: Sequence[Outcome]) -> RestoredList:
    """Return what became of each, with sentences in the caller's language."""
    return RestoredList(items=[_item(outcome) for outcome in outcomes])


def _item(outcome: Outcome) -> RestoredItem:
    if outcome.error is None:
        return RestoredItem(id=outcome.id, outcome=outcome.outcome)
    problem = problems.build("", outcome.error)
    return RestoredItem(id=outcome.id, outcome=outcome.outcome, code=problem.code, detail=problem.detail, params=problem.params)
