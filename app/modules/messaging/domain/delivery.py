"""Addresses that mail must not go to: why, for how long, and how one is recognised without being kept."""

import contextlib
import datetime as dt
import enum
import hashlib
import hmac
import unicodedata
import uuid

from app.modules.messaging.domain.message import ascii_address

SOFT_BOUNCES_TO_PAUSE = 3
SOFT_BOUNCE_WINDOW = dt.timedelta(days=30)
"""So many soft bounces within so long pause an address."""
PAUSE = dt.timedelta(days=30)
"""How long a pause lasts, from the bounce that caused it; by its end all of the bounces behind it are out of the window."""


class Obstacle(enum.StrEnum):
    """Why a mail is not sent; kept in the log as its error."""

    SUPPRESSED = "suppressed"
    PAUSED = "paused"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"


class SuppressionReason(enum.StrEnum):
    """Why an address gets no mail. Only `soft_bounces` passes by itself."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    SOFT_BOUNCES = "soft_bounces"


class Delivery(enum.StrEnum):
    """What a provider told of a mail after taking it."""

    DELIVERED = "delivered"
    SOFT_BOUNCE = "soft_bounce"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"


def fingerprint(key: bytes, *, merchant_id: uuid.UUID | None, email: str) -> bytes:
    """Return the keyed hash by which `email` is recognised among a merchant's suppressions (the platform's own without one).

    All spellings of an address have one: case and normal form aside, an international domain as on the wire. Without the key, the
    same address at two merchants cannot be told to be the same.
    """
    folded = unicodedata.normalize("NFKC", email).strip().casefold()
    with contextlib.suppress(UnicodeError):  # not an address that mail could go to: recognised as it is written
        folded = ascii_address(folded)
    owner = merchant_id.bytes if merchant_id else b"platform"
    return hmac.digest(key, owner + b"\0" + folded.encode("utf-8", "surrogatepass"), hashlib.sha256)


def mask_email(email: str) -> str:
    """Return `email` so that its owner knows it and a stranger does not learn it: `l•••@e•••.lu`."""
    local, _, domain = email.rpartition("@")
    name, _, ending = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{ending}" if name else f"{local[:1]}•••@•••"
