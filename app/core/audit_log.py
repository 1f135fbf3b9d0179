"""The audit log, read: a merchant's within its context, everybody's on the platform's face. Newest first, a page at a time."""

import dataclasses
import datetime as dt
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg

from app.core import pagination
from app.core.context import Ctx, PlatformCtx
from app.core.db import lists
from app.core.i18n import N_, _, formatting
from app.core.pagination import Page

SELECT = """
SELECT a.id, a.merchant_id, a.at, a.action, a.target_type, a.target_id, a.actor_kind, a.actor_id, a.staff_pin_id, a.acting_admin_id,
       a.request_id, a.address, a.details
FROM core_audit_log a
"""
# One step of the index for each action there is, however many entries.
ACTIONS = """
WITH RECURSIVE known AS (
  (SELECT action FROM core_audit_log ORDER BY action LIMIT 1)
  UNION ALL
  SELECT (SELECT a.action FROM core_audit_log a WHERE a.action > known.action ORDER BY a.action LIMIT 1)
  FROM known WHERE known.action IS NOT NULL
)
SELECT action FROM known WHERE action IS NOT NULL
"""
# Without who of the team it was: that is theirs.
ABOUT = """
SELECT at, action, details, CASE WHEN actor_kind IN ('anonymous', 'customer') THEN address END AS address FROM core_audit_log
WHERE merchant_id = $1 AND target_id = ANY($2::uuid[]) ORDER BY at, id
"""
COUNTED = frozenset({"counts", "deleted_rows"})
"""Details that say how many of each kind."""
IS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NEWEST_FIRST = lists.newest_first("a", "at")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditTexts:
    """What a module's entries are called, a msgid for each: actions (`titles`), what they are done to (`things`), and the names and
    fixed values of their details (`words`)."""

    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    things: Mapping[str, str] = dataclasses.field(default_factory=dict)
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)


_titles: dict[str, str] = {
    "core.job.started": N_("Started a task by hand"),
    "core.outbox.retried": N_("Had tasks tried again that had given up"),
}
_things: dict[str, str] = {"bulk_job": N_("Job"), "message": N_("Task"), "task": N_("Task")}
_words: dict[str, str] = {
    "days": N_("Days"),
    "fields": N_("Fields"),
    "locale": N_("Language"),
    "messages": N_("How many"),
    "name": N_("Name"),
    "new": N_("Afterwards"),
    "old": N_("Before"),
    "reason": N_("Reason"),
    "runs": N_("How many"),
    "task": N_("Task"),
}


def register(texts: AuditTexts) -> None:
    """Make known what a module's entries are called."""
    _titles.update(texts.titles)
    _things.update(texts.things)
    _words.update(texts.words)


def title_of(action: str) -> str:
    """Return what an action is called, in the current language; the action itself, spelled out, when no module names it."""
    return _(_titles[action]) if action in _titles else action.replace(".", " · ").replace("_", " ")


def thing_of(target_type: str) -> str:
    """Return what a kind of thing is called, in the current language; spelled out when no module names it."""
    return _(_things[target_type]) if target_type in _things else target_type.replace("_", " ")


def word_of(name: str) -> str:
    """Return what a detail is called, in the current language; spelled out when no module names it."""
    return _(_words[name]) if name in _words else name.replace("_", " ")


def known_actions() -> Collection[str]:
    """Return the actions that have a name."""
    return _titles.keys()


def known_things() -> Collection[str]:
    """Return the kinds of things that have a name."""
    return _things.keys()


def known_words() -> Collection[str]:
    """Return the details, and their values, that have a name."""
    return _words.keys()


def describe(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and value of each detail that tells a person something, in the current language; ids are in the downloads.

    Of what was counted kind by kind it is the sum.
    """
    found = ((word_of(name), _say(sum(value.values()) if name in COUNTED else value)) for name, value in details.items())
    return [(name, value) for name, value in found if value]


def _say(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _("Yes") if value else _("No")
        case int() | float():
            return formatting.number(value)
        case Mapping():
            return formatting.join([f"{name}: {part}" for name, part in describe(value)])
        case list():
            return formatting.join([said for said in map(_say, value) if said])
        case _:
            text = str(value)
            return "" if IS_ID.fullmatch(text) else _(_words[text]) if text in _words else text


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Who (`actor_kind`, `actor_id`; a staff member by PIN; an admin for a merchant) did what (`action`) to what, when, from where.

    `details` are what `audit.record` was given. `address` is kept for 90 days.
    """

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    at: dt.datetime
    action: str
    target_type: str
    target_id: uuid.UUID | None
    actor_kind: str
    actor_id: uuid.UUID | None
    staff_pin_id: uuid.UUID | None
    acting_admin_id: uuid.UUID | None
    request_id: str
    address: str | None
    details: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class SaidEntry:
    """An entry in the words of the current language: what was done (`text`), to what (`thing`), and name and value of its details."""

    entry: Entry
    text: str
    thing: str
    details: Sequence[tuple[str, str]]


def say(entry: Entry) -> SaidEntry:
    """Return the entry in words; ids among its details are only in the downloads."""
    return SaidEntry(entry, title_of(entry.action), thing_of(entry.target_type), describe(entry.details))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: each that is None is not asked for. `since` and `until` are instants, the latter outside.

    On the platform's face a `target_id` without a merchant is one of the platform's own, such as a user. `prefixes` are beginnings of
    actions; as no index serves them, a page may be short, or empty, although others follow.
    """

    merchant_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None
    admin_id: uuid.UUID | None = None
    target_id: uuid.UUID | None = None
    action: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    prefixes: tuple[str, ...] = ()
    is_oldest_first: bool = False


async def list_entries(
    ctx: Ctx | PlatformCtx, wanted: Wanted, *, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE
) -> Page[Entry]:
    """Return a page of the log; within a merchant only of that one, whatever is wanted. BadCursor."""
    merchant_id = ctx.merchant_id if isinstance(ctx, Ctx) else wanted.merchant_id
    where = lists.Where()
    if merchant_id is None and wanted.target_id is not None:
        where.add("a.merchant_id IS NULL")
    where.add_equal(
        **{
            "a.merchant_id": merchant_id,
            "a.actor_id": wanted.person_id,
            "a.acting_admin_id": wanted.admin_id,
            "a.target_id": wanted.target_id,
            "a.action": wanted.action,
        }
    )
    if wanted.since is not None:
        where.add("a.at >= ?", wanted.since)
    if wanted.until is not None:
        where.add("a.at < ?", wanted.until)
    order = lists.reverse(NEWEST_FIRST) if wanted.is_oldest_first else NEWEST_FIRST
    if wanted.prefixes:

        async def sift(rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
            return [row for row in rows if row["action"].startswith(wanted.prefixes)]

        page = await lists.read_sifted_page(ctx.conn, SELECT, where, order, sift=sift, cursor=cursor, limit=limit)
    else:
        page = await lists.read_page(ctx.conn, SELECT, where, order, cursor=cursor, limit=limit)
    return Page([Entry(**dict(row)) for row in page.items], page.next_cursor, page.previous_cursor)


async def list_actions(ctx: PlatformCtx) -> list[str]:
    """Return every action that the log knows, by name."""
    return [row["action"] for row in await ctx.conn.fetch(ACTIONS)]


async def list_about(ctx: Ctx, targets: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """Return all entries about a person's things, oldest first, as the person may read them: what, when, details, their addresses."""
    return [dict(row) for row in await ctx.conn.fetch(ABOUT, ctx.merchant_id, list(targets))]
