"""No second welcome bonus by erasing oneself and enrolling again within 12 months (domain.md, Points).

All that is kept of an erased person is a keyed hash of merchant and e-mail address and the day it may be deleted. Without the key,
which is never in the database, nobody can test whether an address is among them.
"""

import datetime as dt
import hashlib
import hmac
import uuid

from app.modules.customers.domain.birth_date import birthday_in
from app.modules.customers.domain.email import normalize_email

GUARD_YEARS = 1
MIN_KEY_BYTES = 32
_PURPOSE = b"orion.returning-guard.v1\x00"


def fingerprint(key: bytes, *, merchant_id: uuid.UUID, email: str) -> bytes:
    """Return the 32 bytes kept of an erased customer; equal for every spelling of the same address at the same merchant.

    ValueError for a `key` shorter than 32 bytes.
    """
    if len(key) < MIN_KEY_BYTES:
        raise ValueError("the key of the returning guard needs at least 32 bytes")
    return hmac.digest(key, _PURPOSE + merchant_id.bytes + normalize_email(email).encode("utf-8"), hashlib.sha256)


def guarded_until(erased_on: dt.date) -> dt.date:
    """Return the first day on which somebody erased on `erased_on` gets a welcome bonus again: 12 months later."""
    return birthday_in(erased_on, erased_on.year + GUARD_YEARS)


def was_erased_recently(erased_on: dt.date | None, *, today: dt.date) -> bool:
    """Return whether the guard still holds on `today`; the hash is deleted once it does not. None: never erased."""
    return erased_on is not None and today < guarded_until(erased_on)
