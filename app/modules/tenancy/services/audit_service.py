"""The audit log of the whole platform, with names, for its admins: a page at a time, or as a table to download."""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence

from app.core import audit_log, csv_text, pagination
from app.core.audit_log import Entry, Wanted
from app.core.context import PlatformCtx
from app.core.pagination import Page
from app.modules.tenancy.queries import overview as overview_queries
from app.modules.tenancy.queries import people

MOST_EXPORTED = 20_000
"""Entries in one download, the newest; for others a time is given. It is one answer of some megabytes."""
HEAD = (
    "at", "merchant", "merchant_id", "action", "target_type", "target_id", "actor_kind", "actor", "actor_id", "acting_admin_id",
    "staff_pin_id", "request_id", "address", "details",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries of the log, and what the merchants and people in them are called."""

    page: Page[Entry]
    merchant_names: Mapping[uuid.UUID, str]
    user_names: Mapping[uuid.UUID, str]


async def list_entries(ctx: PlatformCtx, wanted: Wanted, *, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE) -> AuditPage:
    """Return a page of the log, newest first. BadCursor."""
    page = await audit_log.list_entries(ctx, wanted, cursor=cursor, limit=limit)
    merchants, users = await _names(ctx, page.items, wanted)
    return AuditPage(page, merchants, users)


async def _names(ctx: PlatformCtx, entries: Sequence[Entry], wanted: Wanted) -> tuple[dict[uuid.UUID, str], dict[uuid.UUID, str]]:
    merchants = {wanted.merchant_id, *(entry.merchant_id for entry in entries)}
    people_ids = {wanted.person_id, wanted.admin_id, *(entry.acting_admin_id for entry in entries)}
    people_ids |= {entry.actor_id for entry in entries if entry.actor_kind == "user"}
    people_ids |= {entry.target_id for entry in entries if entry.target_type == "user"}
    return (
        await overview_queries.find_names(ctx.conn, [found for found in merchants if found is not None]),
        await people.find_names(ctx.conn, [found for found in people_ids if found is not None]),
    )


async def export_csv(ctx: PlatformCtx, wanted: Wanted) -> str:
    """Return the newest entries, at most MOST_EXPORTED, as CSV."""
    rows: list[tuple[object, ...]] = []
    cursor: str | None = None
    while len(rows) < MOST_EXPORTED:
        found = await list_entries(ctx, wanted, cursor=cursor, limit=min(1_000, MOST_EXPORTED - len(rows)))
        rows += [_row(entry, found) for entry in found.page.items]
        cursor = found.page.next_cursor
        if cursor is None:
            break
    return csv_text.write_table(HEAD, rows)


def _row(entry: Entry, found: AuditPage) -> tuple[object, ...]:
    return (
        entry.at,
        found.merchant_names.get(entry.merchant_id) if entry.merchant_id else None,
        entry.merchant_id,
        entry.action,
        entry.target_type,
        entry.target_id,
        entry.actor_kind,
        found.user_names.get(entry.actor_id) if entry.actor_id else None,
        entry.actor_id,
        entry.acting_admin_id,
        entry.staff_pin_id,
        entry.request_id,
        entry.address,
        json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True) if entry.details else None,
    )


async def list_actions(ctx: PlatformCtx) -> list[tuple[str, str]]:
    """Return every action that the log knows and what it is called in the current language, by that name."""
    return sorted(((action, audit_log.title_of(action)) for action in await audit_log.list_actions(ctx)), key=lambda named: named[1])


async def list_admins(ctx: PlatformCtx) -> list[tuple[uuid.UUID, str]]:
    """Return the platform's admins by name."""
    return await people.list_admins(ctx.conn)


def day_bounds(since: dt.date | None, until: dt.date | None) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the instants, in UTC, between which the days `since` to `until` lie, the last one whole."""

    def midnight(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), dt.UTC)

    last = until if until != dt.date.max else None
    return midnight(since) if since else None, midnight(last + dt.timedelta(days=1)) if last else None
