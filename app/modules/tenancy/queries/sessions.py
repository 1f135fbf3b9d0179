"""Statements about sessions: opening through the database's doors, and changes by id."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from app.core.ids import hash_token

OPEN_SESSION = "SELECT * FROM tenancy_open_session($1, $2, $3)"
OPEN_API_KEY = "SELECT * FROM tenancy_open_api_key($1, $2)"
OPEN_STORE = "SELECT * FROM tenancy_open_store($1, $2, $3)"

INSERT = """
INSERT INTO tenancy_sessions (id, token_hash, kind, user_id, merchant_id, store_id, terminal_id, customer_id, second_factor_at,
                              created_at, last_seen_at, idle_seconds, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)
"""
REVOKE = "UPDATE tenancy_sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
REVOKE_OF_USER = """
UPDATE tenancy_sessions SET revoked_at = $2
WHERE user_id = $1 AND revoked_at IS NULL AND ($3::uuid IS NULL OR merchant_id = $3) AND ($4::uuid IS NULL OR id <> $4)
"""
REVOKE_OF_USERS_AT = """
UPDATE tenancy_sessions SET revoked_at = $2 WHERE merchant_id = $1 AND kind = 'user' AND revoked_at IS NULL
"""
REVOKE_OF_TERMINAL = "UPDATE tenancy_sessions SET revoked_at = $3 WHERE merchant_id = $1 AND terminal_id = $2 AND revoked_at IS NULL"
REVOKE_OF_CUSTOMER = "UPDATE tenancy_sessions SET revoked_at = $3 WHERE merchant_id = $1 AND customer_id = $2 AND revoked_at IS NULL"
LIST_OF_CUSTOMER = """
SELECT created_at, last_seen_at, expires_at, revoked_at, store_id FROM tenancy_sessions
WHERE merchant_id = $1 AND customer_id = $2 ORDER BY created_at, id
"""
SET_UNLOCKED = "UPDATE tenancy_sessions SET staff_pin_id = $3, unlocked_until = $4 WHERE merchant_id = $1 AND id = $2"
LOCK_OF_STAFF_PIN = """
UPDATE tenancy_sessions SET staff_pin_id = NULL, unlocked_until = NULL WHERE merchant_id = $1 AND staff_pin_id = $2
"""
LAST_SEEN_OF_TERMINALS = """
SELECT terminal_id, max(last_seen_at) AS seen_at FROM tenancy_sessions
WHERE merchant_id = $1 AND terminal_id = ANY($2::uuid[]) GROUP BY terminal_id
"""
SET_MERCHANT = """
UPDATE tenancy_sessions SET merchant_id = $2, store_id = NULL, staff_pin_id = NULL, unlocked_until = NULL WHERE id = $1 AND kind = 'user'
"""
SEE_MERCHANT = "SELECT set_config('app.merchant_id', $1, true)"
FIND_SEEN_MERCHANT = "SELECT status, locale FROM tenancy_merchants WHERE id = $1 AND deleted_at IS NULL"
SET_STORE = "UPDATE tenancy_sessions SET store_id = $3, staff_pin_id = NULL, unlocked_until = NULL WHERE merchant_id = $1 AND id = $2"
FIND_WAITING = """
SELECT s.id, s.user_id FROM tenancy_sessions s JOIN tenancy_users u ON u.id = s.user_id
WHERE s.id = $1 AND s.kind = 'user' AND s.revoked_at IS NULL AND s.second_factor_at IS NULL AND u.totp_secret IS NOT NULL
"""
FIND_STATE = "SELECT merchant_id, store_id, second_factor_at FROM tenancy_sessions WHERE id = $1"
PURGE = """
DELETE FROM tenancy_sessions WHERE id IN (
    SELECT id FROM tenancy_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class SessionState:
    """What a user's session remembers: merchant and store chosen, and when the second factor was passed."""

    merchant_id: uuid.UUID | None = None
    store_id: uuid.UUID | None = None
    second_factor_at: dt.datetime | None = None


def affected(status: str) -> int:
    """Return the number of rows in a command's status, as "UPDATE 3"."""
    return int(status.rpartition(" ")[2])


async def open_session(conn: asyncpg.Connection, token: str | None, kind: str, now: dt.datetime) -> asyncpg.Record | None:
    """Return the live session of `kind` behind `token` with everything an opener needs, or None. Sets the transaction's merchant."""
    return await conn.fetchrow(OPEN_SESSION, hash_token(token), kind, now) if token else None


async def open_api_key(conn: asyncpg.Connection, key: str, now: dt.datetime) -> asyncpg.Record | None:
    """Return the live API key `key`, or None. Sets the transaction's merchant."""
    return await conn.fetchrow(OPEN_API_KEY, hash_token(key), now)


async def open_store(conn: asyncpg.Connection, code: str, customer_token: str | None, now: dt.datetime) -> asyncpg.Record | None:
    """Return the store with `code`, with the customer's session at its merchant, or None. Sets the transaction's merchant."""
    return await conn.fetchrow(OPEN_STORE, code, hash_token(customer_token) if customer_token else None, now)


async def see_merchant(conn: asyncpg.Connection, merchant_id: uuid.UUID) -> asyncpg.Record | None:
    """Set the transaction's merchant for an admin who acts for them; return status and language, None when there is no such one."""
    await conn.execute(SEE_MERCHANT, str(merchant_id))
    return await conn.fetchrow(FIND_SEEN_MERCHANT, merchant_id)


async def insert(conn: asyncpg.Connection, **values: Any) -> None:
    """Insert a session."""
    names = ("id", "token_hash", "kind", "user_id", "merchant_id", "store_id", "terminal_id", "customer_id", "second_factor_at", "now")
    await conn.execute(INSERT, *(values[name] for name in (*names, "idle_seconds", "expires_at")))


async def revoke(conn: asyncpg.Connection, session_id: uuid.UUID, now: dt.datetime) -> None:
    """End the session."""
    await conn.execute(REVOKE, session_id, now)


async def revoke_of_user(
    conn: asyncpg.Connection, user_id: uuid.UUID, now: dt.datetime, *, merchant_id: uuid.UUID | None, keep: uuid.UUID | None
) -> int:
    """End the user's sessions, at `merchant_id` or everywhere, but `keep`; return how many."""
    return affected(await conn.execute(REVOKE_OF_USER, user_id, now, merchant_id, keep))


async def revoke_of_users_at(conn: asyncpg.Connection, merchant_id: uuid.UUID, now: dt.datetime) -> int:
    """End the sessions of everybody who signed in at the merchant; return how many."""
    return affected(await conn.execute(REVOKE_OF_USERS_AT, merchant_id, now))


async def revoke_of_terminal(conn: asyncpg.Connection, merchant_id: uuid.UUID, terminal_id: uuid.UUID, now: dt.datetime) -> int:
    """End the terminal's sessions; return how many."""
    return affected(await conn.execute(REVOKE_OF_TERMINAL, merchant_id, terminal_id, now))


async def revoke_of_customer(conn: asyncpg.Connection, merchant_id: uuid.UUID, customer_id: uuid.UUID, now: dt.datetime) -> int:
    """End the customer's sessions; return how many."""
    return affected(await conn.execute(REVOKE_OF_CUSTOMER, merchant_id, customer_id, now))


async def find_last_seen_of_terminals(
    conn: asyncpg.Connection, merchant_id: uuid.UUID, terminal_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, dt.datetime]:
    """Return when each of the terminals last showed itself, to the minute."""
    return {row["terminal_id"]: row["seen_at"] for row in await conn.fetch(LAST_SEEN_OF_TERMINALS, merchant_id, list(terminal_ids))}


async def set_unlocked(
    conn: asyncpg.Connection, merchant_id: uuid.UUID, session_id: uuid.UUID, staff_pin_id: uuid.UUID | None, until: dt.datetime | None
) -> None:
    """Note who opened the session, and until when."""
    await conn.execute(SET_UNLOCKED, merchant_id, session_id, staff_pin_id, until)


async def lock_of_staff_pin(conn: asyncpg.Connection, merchant_id: uuid.UUID, staff_pin_id: uuid.UUID) -> int:
    """Lock the sessions that the PIN had opened; return how many."""
    return affected(await conn.execute(LOCK_OF_STAFF_PIN, merchant_id, staff_pin_id))


async def set_merchant(conn: asyncpg.Connection, session_id: uuid.UUID, merchant_id: uuid.UUID | None) -> None:
    """Note the merchant at which a user works, or that it is none any more."""
    await conn.execute(SET_MERCHANT, session_id, merchant_id)


async def set_store(conn: asyncpg.Connection, merchant_id: uuid.UUID, session_id: uuid.UUID, store_id: uuid.UUID) -> None:
    """Note the store that a user works at; a PIN entered at another store no longer counts."""
    await conn.execute(SET_STORE, merchant_id, session_id, store_id)


async def find_waiting(conn: asyncpg.Connection, session_id: uuid.UUID) -> asyncpg.Record | None:
    """Return id and user of the session if it still waits for the second factor."""
    return await conn.fetchrow(FIND_WAITING, session_id)


async def find_state(conn: asyncpg.Connection, session_id: uuid.UUID | None) -> SessionState:
    """Return what the session remembers; nothing for no session."""
    row = await conn.fetchrow(FIND_STATE, session_id) if session_id else None
    return SessionState(**dict(row)) if row else SessionState()


async def purge(conn: asyncpg.Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to `limit` sessions that expired before the instant `before`; return how many."""
    return affected(await conn.execute(PURGE, before, limit))


async def list_of_customer(conn: asyncpg.Connection, merchant_id: uuid.UUID, customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return when the customer signed in, and until when."""
    return [dict(row) for row in await conn.fetch(LIST_OF_CUSTOMER, merchant_id, customer_id)]
