"""Idempotent mutations: a repeated key answers what the first one answered and changes nothing (domain.md, Idempotency).

The answer is a row of the transaction that did the work, unique per merchant and key. Rivals with one key meet at that
row: the later one rolls back, runs again and finds the answer.
"""

import dataclasses
import datetime as dt
import hashlib
import hmac
import re
import uuid
from collections.abc import Sequence

import asyncpg

from app.core.errors import N_, BadRequest, Conflict, Gone, Invalid

PRIMARY_KEY = "pk_core_idempotency"
KEY_FORMAT = re.compile(r"[\x21-\x7e]{16,255}")
STILL_RUNNING_RETRY_SECONDS = 1

FIND = "SELECT fingerprint, status, body FROM core_idempotency WHERE merchant_id = $1 AND key = $2"
# What an answer says of somebody always comes with an id or a number of theirs.
FORGET = """
UPDATE core_idempotency SET status = 410, body = ''
WHERE merchant_id = $1 AND body <> '' AND EXISTS (SELECT FROM unnest($2::text[]) word WHERE strpos(body, word) > 0)
"""
STORE = "INSERT INTO core_idempotency (merchant_id, key, fingerprint, status, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)"


class IdempotencyKeyMissing(BadRequest):
    """No `Idempotency-Key`, or one that is not 16–255 printable ASCII characters."""

    code = "idempotency_key_missing"
    message = N_("This request needs an Idempotency-Key header of 16 to 255 printable characters.")


class IdempotencyKeyReused(Invalid):
    """The key was used for something else."""

    code = "idempotency_key_reused"
    message = N_("This Idempotency-Key was already used for a different request.")


class StillRunning(Conflict):
    """The first request with this key has not ended yet."""

    code = "still_running"
    retry_after = STILL_RUNNING_RETRY_SECONDS
    message = N_("The same request is still running. Please try again in a moment.")


class AlreadyApplied(Conflict):
    """The key is older than the kept answers, but the ledger remembers it."""

    code = "already_applied"
    message = N_("This was already done.")


class AnswerForgotten(Gone):
    """The request was done, and its answer named somebody who was erased since: it is not done again."""

    code = "customer_anonymized"
    message = N_("The data of this customer was erased.")


@dataclasses.dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A request's key, and the fingerprint of what it asked for and who asked."""

    key: str
    fingerprint: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a key."""

    fingerprint: bytes
    status: int
    body: str

    def check(self, wanted: IdempotencyKey) -> "StoredAnswer":
        """Return self; IdempotencyKeyReused when the stored request was another one, AnswerForgotten after an erasure."""
        if self.fingerprint != wanted.fingerprint:
            raise IdempotencyKeyReused
        if not self.body:
            raise AnswerForgotten
        return self


def parse_key(value: str | None) -> str:
    """Return the header's value; IdempotencyKeyMissing when it is absent or malformed."""
    if value is None or not KEY_FORMAT.fullmatch(value):
        raise IdempotencyKeyMissing
    return value


def fingerprint(*parts: str | bytes, key: bytes = b"") -> bytes:
    """Return a digest of the request's parts (method, path, body); part borders count.

    `key` is the installation's, for parts that may hold a PIN: from a plain digest in the database six digits could be guessed.
    """
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


async def find(conn: asyncpg.Connection, merchant_id: uuid.UUID, wanted: IdempotencyKey) -> StoredAnswer | None:
    """Return the stored answer to `wanted`, or None; IdempotencyKeyReused when the key was used for something else."""
    row = await conn.fetchrow(FIND, merchant_id, wanted.key)
    return StoredAnswer(row["fingerprint"], row["status"], row["body"]).check(wanted) if row else None


async def store(
    conn: asyncpg.Connection, merchant_id: uuid.UUID, wanted: IdempotencyKey, *, status: int, body: str, now: dt.datetime
) -> None:
    """Keep the answer; asyncpg.UniqueViolationError on `PRIMARY_KEY` when a rival was first."""
    await conn.execute(STORE, merchant_id, wanted.key, wanted.fingerprint, status, body, now)


async def forget(conn: asyncpg.Connection, merchant_id: uuid.UUID, words: Sequence[str]) -> int:
    """Empty the merchant's kept answers that hold any of `words` (ids, numbers, an address); return how many."""
    status: str = await conn.execute(FORGET, merchant_id, list(words))
    return int(status.rpartition(" ")[2])
