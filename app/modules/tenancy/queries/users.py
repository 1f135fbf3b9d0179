"""People who sign in, and their memberships, read."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection

import asyncpg

from app.modules.tenancy.errors import MemberNotFoundException
from app.modules.tenancy.queries.sessions import affected

MEMBER = """
SELECT b.id, b.user_id, b.role, b.store_id, b.display_name, b.created_at, b.last_signed_in_at, u.email, u.locale
FROM tenancy_memberships b JOIN tenancy_users u ON u.id = b.user_id
"""
LIST_MEMBERS = (
    f"{MEMBER} WHERE b.merchant_id = $1 ORDER BY array_position(ARRAY['owner', 'manager', 'staff'], b.role), lower(b.display_name), b.id"
)
GET_MEMBER = f"{MEMBER} WHERE b.merchant_id = $1 AND b.id = $2"
FIND_MEMBER_OF_USER = f"{MEMBER} WHERE b.merchant_id = $1 AND b.user_id = $2"
INVITE = "SELECT user_id, link_id FROM tenancy_invite_user($1, $2, $3, $4, $5, $6, $7, $8)"

FOR_SIGN_IN = "SELECT id, password_hash, totp_secret, disabled_at FROM tenancy_users WHERE email_normalized = $1"
GET_USER = """
SELECT id, email, display_name, locale, is_platform_admin, password_hash, totp_secret, totp_last_step, disabled_at
FROM tenancy_users WHERE id = $1
"""
USE_STEP = "UPDATE tenancy_users SET totp_last_step = $2 WHERE id = $1 AND (totp_last_step IS NULL OR totp_last_step < $2) RETURNING true"
STORE_HASH = "UPDATE tenancy_users SET password_hash = $2, password_changed_at = $3 WHERE id = $1"
SET_LOCALE = "UPDATE tenancy_users SET locale = $2 WHERE id = $1"
NOTE_SIGN_IN = "UPDATE tenancy_users SET last_signed_in_at = $2 WHERE id = $1"
SET_NAME = "UPDATE tenancy_users SET display_name = $2 WHERE id = $1"
SET_MEMBER_NAME = "UPDATE tenancy_memberships SET display_name = $2 WHERE user_id = $1 AND merchant_id = $3"
NOTE_ENTRY = "UPDATE tenancy_memberships SET last_signed_in_at = $3 WHERE merchant_id = $1 AND user_id = $2"
PLACES = """
SELECT b.merchant_id, m.name, b.role, b.store_id
FROM tenancy_memberships b JOIN tenancy_merchants m ON m.id = b.merchant_id AND m.status = 'active' AND m.deleted_at IS NULL
WHERE b.user_id = $1 ORDER BY lower(m.name), b.merchant_id
"""
NAMES = "SELECT user_id, display_name FROM tenancy_memberships WHERE merchant_id = $1 AND user_id = ANY($2::uuid[])"
NAMES_OF_ALL = "SELECT id, display_name FROM tenancy_users WHERE id = ANY($1::uuid[])"
CONTACT = "SELECT email, locale FROM tenancy_users WHERE id = $1 AND disabled_at IS NULL"

INSERT_LINK = "INSERT INTO tenancy_password_links (id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)"
USE_LINK = """
UPDATE tenancy_password_links SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2 RETURNING user_id
"""
PURGE_LINKS = """
DELETE FROM tenancy_password_links WHERE id IN (
    SELECT id FROM tenancy_password_links WHERE expires_at < $1 LIMIT $2)
"""
USE_OTHER_LINKS = "UPDATE tenancy_password_links SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL"


@dataclasses.dataclass(frozen=True, slots=True)
class MemberView:
    """Somebody of a merchant's team: `id` is the membership's, `store_id` the only store they work at (None: all).

    `last_signed_in_at` is when they last came to this merchant; None for somebody who has been invited and not come yet.
    """

    id: uuid.UUID
    user_id: uuid.UUID
    email: str
    display_name: str
    role: str
    store_id: uuid.UUID | None
    locale: str
    created_at: dt.datetime
    last_signed_in_at: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A merchant that a user works for, and as what."""

    merchant_id: uuid.UUID
    name: str
    role: str
    store_id: uuid.UUID | None


def member_view(row: asyncpg.Record) -> MemberView:
    """Return a row as a MemberView."""
    return MemberView(**{field.name: row[field.name] for field in dataclasses.fields(MemberView)})


async def list_members(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> list[MemberView]:
    """Return the team: owners, managers, staff, each by name."""
    return [member_view(row) for row in await conn.fetch(LIST_MEMBERS, merchant_id)]


async def get_member(conn: asyncpg.Connection, merchant_id: uuid.UUID, membership_id: uuid.UUID) -> MemberView:
    """Return one of the team; MemberNotFoundException."""
    row = await conn.fetchrow(GET_MEMBER, merchant_id, membership_id)
    if row is None:
        raise MemberNotFoundException
    return member_view(row)


async def find_member_of_user(conn: asyncpg.Connection, merchant_id: uuid.UUID, user_id: uuid.UUID) -> MemberView | None:
    """Return the user's membership at the merchant, or None."""
    row = await conn.fetchrow(FIND_MEMBER_OF_USER, merchant_id, user_id)
    return member_view(row) if row else None


async def invite(
    conn: asyncpg.Connection,
    *,
    user_id: uuid.UUID,
    email: str,
    email_normalized: str,
    display_name: str,
    locale: str,
    link_id: uuid.UUID,
    link_expires_at: dt.datetime,
    now: dt.datetime,
) -> tuple[uuid.UUID, uuid.UUID | None]:
    """Return the id of the user with that e-mail, made if there was none, and the id of a link if they have no password yet."""
    (row,) = await conn.fetch(INVITE, user_id, email, email_normalized, display_name, locale, link_id, link_expires_at, now)
    return row["user_id"], row["link_id"]


async def find_for_sign_in(conn: asyncpg.Connection, email_normalized: str) -> asyncpg.Record | None:
    """Return id and secrets of the user with that e-mail, or None. For orion_platform only."""
    return await conn.fetchrow(FOR_SIGN_IN, email_normalized)


async def get_user(conn: asyncpg.Connection, user_id: uuid.UUID) -> asyncpg.Record:
    """Return the user with secrets; they exist, as their session does. For orion_platform only."""
    row = await conn.fetchrow(GET_USER, user_id)
    if row is None:
        raise LookupError("a session's user is gone")
    return row


async def use_step(conn: asyncpg.Connection, user_id: uuid.UUID, step: int) -> bool:
    """Note `step` as the last one used; False when a rival used it or a later one first."""
    return bool(await conn.fetchval(USE_STEP, user_id, step))


async def set_password(conn: asyncpg.Connection, user_id: uuid.UUID, password_hash: str, now: dt.datetime) -> None:
    """Store the hash of a new password."""
    await conn.execute(STORE_HASH, user_id, password_hash, now)


async def set_locale(conn: asyncpg.Connection, user_id: uuid.UUID, locale: str) -> None:
    """Store the language a user wants to read."""
    await conn.execute(SET_LOCALE, user_id, locale)


async def note_sign_in(conn: asyncpg.Connection, user_id: uuid.UUID, now: dt.datetime) -> None:
    """Store that the user has just signed in, with every step. For orion_platform only."""
    await conn.execute(NOTE_SIGN_IN, user_id, now)


async def set_name(conn: asyncpg.Connection, user_id: uuid.UUID, display_name: str, *, merchant_id: uuid.UUID | None) -> None:
    """Store a user's name, and what the merchant calls them. For orion_platform only."""
    await conn.execute(SET_NAME, user_id, display_name)
    await conn.execute(SET_MEMBER_NAME, user_id, display_name, merchant_id)


async def note_entry(conn: asyncpg.Connection, merchant_id: uuid.UUID, user_id: uuid.UUID, now: dt.datetime) -> None:
    """Note that a user went to work at a merchant. For orion_platform only."""
    await conn.execute(NOTE_ENTRY, merchant_id, user_id, now)


async def list_places(conn: asyncpg.Connection, user_id: uuid.UUID) -> list[Place]:
    """Return the active merchants that the user works for, by name. For orion_platform only."""
    return [Place(row["merchant_id"], row["name"], row["role"], row["store_id"]) for row in await conn.fetch(PLACES, user_id)]


async def find_names_of_all(conn: asyncpg.Connection, user_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what those of `user_ids` that exist are called. For orion_platform only."""
    return {row["id"]: row["display_name"] for row in await conn.fetch(NAMES_OF_ALL, list(user_ids))}


async def find_contact(conn: asyncpg.Connection, user_id: uuid.UUID) -> tuple[str, str] | None:
    """Return e-mail address and language of a user that the caller may see, or None."""
    row = await conn.fetchrow(CONTACT, user_id)
    return (row["email"], row["locale"]) if row else None


async def find_names(conn: asyncpg.Connection, merchant_id: uuid.UUID, user_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `user_ids` who belong to the merchant's team."""
    return {row["user_id"]: row["display_name"] for row in await conn.fetch(NAMES, merchant_id, list(user_ids))}


async def insert_link(
    conn: asyncpg.Connection, link_id: uuid.UUID, user_id: uuid.UUID, *, now: dt.datetime, expires_at: dt.datetime
) -> None:
    """Store a link to set a password."""
    await conn.execute(INSERT_LINK, link_id, user_id, now, expires_at)


async def use_link(conn: asyncpg.Connection, link_id: uuid.UUID, now: dt.datetime) -> uuid.UUID | None:
    """Spend the link and all others of its user; return the user, or None when it was spent or too old."""
    user_id: uuid.UUID | None = await conn.fetchval(USE_LINK, link_id, now)
    if user_id is not None:
        await conn.execute(USE_OTHER_LINKS, user_id, now)
    return user_id


async def purge_links(conn: asyncpg.Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to `limit` links that ran out before the instant `before`; return how many."""
    return affected(await conn.execute(PURGE_LINKS, before, limit))
