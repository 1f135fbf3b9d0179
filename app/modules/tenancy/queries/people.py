"""Everybody who signs in, over all merchants. For orion_platform only."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection
from typing import Literal

import asyncpg

from app.core.db import lists
from app.core.pagination import Page
from app.modules.tenancy.errors import UserNotFoundException

Kind = Literal["admins", "invited", "disabled"]
SELECT = """
SELECT u.id, u.email, u.display_name, lower(u.display_name) AS sort_name, u.locale, u.is_platform_admin,
       u.password_hash IS NOT NULL AS has_password, u.totp_secret IS NOT NULL AS has_second_factor, u.created_at, u.disabled_at,
       u.last_signed_in_at
FROM tenancy_users u
"""
GET = f"{SELECT} WHERE u.id = $1"
PLACES = """
SELECT b.id, b.user_id, b.merchant_id, m.name AS merchant_name, m.status AS merchant_status, b.role, b.store_id, s.name AS store_name,
       b.display_name, b.created_at
FROM tenancy_memberships b JOIN tenancy_merchants m ON m.id = b.merchant_id AND m.deleted_at IS NULL
LEFT JOIN tenancy_stores s ON s.merchant_id = b.merchant_id AND s.id = b.store_id
WHERE b.user_id = ANY($1::uuid[]) ORDER BY lower(m.name), m.id
"""
SESSIONS = """
SELECT s.id, s.merchant_id, m.name AS merchant_name, s.created_at, s.last_seen_at
FROM tenancy_sessions s LEFT JOIN tenancy_merchants m ON m.id = s.merchant_id
WHERE s.user_id = $1 AND s.kind = 'user' AND s.revoked_at IS NULL AND s.expires_at > $2
  AND s.last_seen_at + make_interval(secs => coalesce(s.idle_seconds, 0)) > $2
ORDER BY s.last_seen_at DESC, s.id LIMIT 50
"""
NAMES = "SELECT id, display_name FROM tenancy_users WHERE id = ANY($1::uuid[])"
ADMINS = "SELECT id, display_name FROM tenancy_users WHERE is_platform_admin ORDER BY lower(display_name), id LIMIT 100"
DISABLE = "UPDATE tenancy_users SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL RETURNING true"
ENABLE = "UPDATE tenancy_users SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL RETURNING true"
CONDITIONS: dict[Kind, str] = {
    "admins": "u.is_platform_admin",
    "invited": "u.password_hash IS NULL AND u.disabled_at IS NULL",
    "disabled": "u.disabled_at IS NOT NULL",
}
ORDERS = {"name": lists.by_name("u", "display_name"), "created": lists.reverse(lists.newest_first("u"))}


@dataclasses.dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody who signs in; without a password they were invited and have not come yet."""

    id: uuid.UUID
    email: str
    display_name: str
    locale: str
    is_platform_admin: bool
    has_password: bool
    has_second_factor: bool
    created_at: dt.datetime
    disabled_at: dt.datetime | None
    last_signed_in_at: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class WorkPlace:
    """A merchant that somebody works for, as what, and at which store only (None: all)."""

    id: uuid.UUID
    user_id: uuid.UUID
    merchant_id: uuid.UUID
    merchant_name: str
    merchant_status: str
    role: str
    store_id: uuid.UUID | None
    store_name: str | None
    display_name: str
    created_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class LiveSession:
    """Where somebody is signed in at present."""

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    merchant_name: str | None
    created_at: dt.datetime
    last_seen_at: dt.datetime


def _person(row: asyncpg.Record) -> PersonView:
    return PersonView(**{field.name: row[field.name] for field in dataclasses.fields(PersonView)})


async def list_people(
    conn: asyncpg.Connection,
    *,
    pattern: str | None,
    kind: Kind | None,
    merchant_id: uuid.UUID | None,
    sort: str,
    cursor: str | None,
    limit: int,
) -> Page[PersonView]:
    """Return a page of people; `pattern` (of LIKE) looks in name and e-mail, `sort` is one of ORDERS, with a minus from its end.

    Raises BadCursor.
    """
    where = lists.Where()
    if pattern is not None:
        where.add("(u.display_name ILIKE ? OR u.email_normalized ILIKE ?)", pattern, pattern)
    if kind is not None:
        where.add(CONDITIONS[kind])
    if merchant_id is not None:
        where.add("EXISTS (SELECT FROM tenancy_memberships b WHERE b.merchant_id = ? AND b.user_id = u.id)", merchant_id)
    page = await lists.read_page(conn, SELECT, where, lists.choose(ORDERS, sort), cursor=cursor, limit=limit)
    return Page([_person(row) for row in page.items], page.next_cursor)


async def get_person(conn: asyncpg.Connection, user_id: uuid.UUID) -> PersonView:
    """Return somebody; UserNotFoundException."""
    row = await conn.fetchrow(GET, user_id)
    if row is None:
        raise UserNotFoundException
    return _person(row)


async def list_work_places(conn: asyncpg.Connection, user_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[WorkPlace]]:
    """Return where each of `user_ids` works, by the merchants' names."""
    found: dict[uuid.UUID, list[WorkPlace]] = {user_id: [] for user_id in user_ids}
    for row in await conn.fetch(PLACES, list(user_ids)):
        found[row["user_id"]].append(WorkPlace(**dict(row)))
    return found


async def list_sessions(conn: asyncpg.Connection, user_id: uuid.UUID, now: dt.datetime) -> list[LiveSession]:
    """Return up to 50 live sessions of somebody, the one used last first."""
    return [LiveSession(**dict(row)) for row in await conn.fetch(SESSIONS, user_id, now)]


async def find_names(conn: asyncpg.Connection, user_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `user_ids` that exist."""
    return {row["id"]: row["display_name"] for row in await conn.fetch(NAMES, list(user_ids))} if user_ids else {}


async def list_admins(conn: asyncpg.Connection) -> list[tuple[uuid.UUID, str]]:
    """Return up to 100 admins of the platform with their names."""
    return [(row["id"], row["display_name"]) for row in await conn.fetch(ADMINS)]


async def disable(conn: asyncpg.Connection, user_id: uuid.UUID, now: dt.datetime) -> bool:
    """Shut somebody out; False when they were."""
    return bool(await conn.fetchval(DISABLE, user_id, now))


async def enable(conn: asyncpg.Connection, user_id: uuid.UUID) -> bool:
    """Let somebody in again; False when they were not shut out."""
    return bool(await conn.fetchval(ENABLE, user_id))
