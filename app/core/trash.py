"""The trash: rows that people put away and can take back, with who did it, when, why, and what else went in the same act.

A row lies in the trash while its `deleted_at` is set (`app.core.db.base.Trashable`); whatever serves people reads live rows only.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import asyncpg

from app.core.context import Ctx, PlatformCtx
from app.core.errors import N_, Conflict, Invalid, NotFound, OrionException
from app.core.ids import new_id

COLUMNS = ("deleted_at", "deleted_by_user_id", "deletion_reason", "deletion_id")
CLEAR = "deleted_at = NULL, deleted_by_user_id = NULL, deletion_reason = '', deletion_id = NULL"
"""What an UPDATE sets to take a row out of the trash."""
MAX_AT_ONCE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Deletion:
    """One act of putting away: when, by whom (None: the system), why, and its id, which all rows share that went with it."""

    at: dt.datetime
    by_user_id: uuid.UUID | None
    reason: str
    id: uuid.UUID | None

    def values(self) -> tuple[dt.datetime, uuid.UUID | None, str, uuid.UUID | None]:
        """Return what an UPDATE gives to `put_away`, in its order."""
        return self.at, self.by_user_id, self.reason, self.id


class ConfirmationWrongException(Invalid):
    """What was typed to confirm is not the name of what would be deleted for good."""

    code = "confirmation_wrong"

    def __init__(self) -> None:
        super().__init__(fields={"confirmation": N_("This is not what stands above. Please type it exactly as it is shown.")})


class NotInTrashException(Conflict):
    """Only what lies in the trash can be deleted for good."""

    code = "not_in_trash"
    message = N_("Please move this to the trash first. Only what is in the trash can be deleted for good.")


def begin(ctx: Ctx | PlatformCtx, reason: str) -> Deletion:
    """Return a new act of putting away, by the context's actor, now."""
    return Deletion(ctx.now, ctx.actor.user_id, reason, new_id())


def put_away(first: int) -> str:
    """Return what an UPDATE sets to put a row into the trash; its four parameters are numbered from `first`."""
    return ", ".join(f"{name} = ${number}" for number, name in enumerate(COLUMNS, first))


def deletion_of(row: asyncpg.Record) -> Deletion | None:
    """Return how the row, which holds `COLUMNS`, came into the trash; None for a live one."""
    at, by_user_id, reason, deletion_id = (row[name] for name in COLUMNS)
    return None if at is None else Deletion(at, by_user_id, reason, deletion_id)


def require_purgeable(deletion: Deletion | None, typed: str, *names: str) -> None:
    """Let through what lies in the trash and was named by whoever deletes it for good; case and spaces do not count.

    Raises NotInTrashException, and ConfirmationWrongException unless `typed` is one of `names`.
    """
    if deletion is None:
        raise NotInTrashException
    if _bare(typed) not in {_bare(name) for name in names}:
        raise ConfirmationWrongException


def _bare(text: str) -> str:
    return "".join(text.casefold().split())


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of several: `error` says why not."""

    id: uuid.UUID
    outcome: Literal["ok", "not_found", "conflict"]
    error: OrionException | None = None


async def each(ids: Sequence[uuid.UUID], act: Callable[[uuid.UUID], Awaitable[Any]]) -> list[Outcome]:
    """Do `act` for each of `ids` and return what became of it, in their order.

    What is not there or is refused by a rule leaves the others alone; `act` must refuse before it writes.
    """
    found = []
    for item in ids:
        try:
            await act(item)
            found.append(Outcome(item, "ok"))
        except NotFound as error:
            found.append(Outcome(item, "not_found", error))
        except Conflict as error:
            found.append(Outcome(item, "conflict", error))
    return found
