"""Identifiers and secrets.

Ids are UUIDv7: made when an object is constructed, sortable by time, so that an answer can be shaped before the commit.
"""

import hashlib
import secrets
import uuid

import uuid_utils


def new_id() -> uuid.UUID:
    """Return a new UUIDv7 as a standard-library UUID."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def new_token() -> str:
    """Return a fresh 256-bit secret as URL-safe text; only its hash is ever stored."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return the SHA-256 digest under which a token of `new_token` is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
