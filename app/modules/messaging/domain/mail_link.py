"""Signed links in mails: who may do what without signing in. Ids only, in a form that nobody can make up or change."""

import base64
import binascii
import dataclasses
import datetime as dt
import enum
import hashlib
import hmac
import struct
import uuid

from app.modules.messaging.domain.enums import MailCategory

VERSION = 1
MAC_BYTES = 16
PREFERENCES_LIFETIME = dt.timedelta(days=365)
"""Preferences can switch marketing on and show a masked address, so old mails lose that power. Unsubscribing never expires:
refusing it would help nobody (RFC 8058 wants links that work as long as the mail is kept)."""

_FIELDS = struct.Struct(">BcBI16s16s")
_TOKEN_CHARACTERS = 4 * ((_FIELDS.size + MAC_BYTES + 2) // 3)
_CATEGORIES = {MailCategory.MARKETING: 1, MailCategory.REMINDER: 2}
_EPOCH = dt.date(2020, 1, 1)


class LinkKind(enum.Enum):
    """What a link opens."""

    UNSUBSCRIBE = b"u"
    PREFERENCES = b"p"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MailLink:
    """What a link says: whose it is, what it opens, and on which day its mail was made. `category` only to unsubscribe from."""

    kind: LinkKind
    merchant_id: uuid.UUID
    customer_id: uuid.UUID
    issued_on: dt.date
    category: MailCategory | None = None

    def is_expired(self, today: dt.date) -> bool:
        """Whether it is too old on `today` (UTC)."""
        return self.kind is LinkKind.PREFERENCES and today > self.issued_on + PREFERENCES_LIFETIME


def encode_link(link: MailLink, *, key: bytes) -> str:
    """Return `link` as a token for an address: 74 letters, digits, `-` and `_`, signed with `key`."""
    category = _CATEGORIES[link.category] if link.category else 0
    days = (link.issued_on - _EPOCH).days
    fields = _FIELDS.pack(VERSION, link.kind.value, category, days, link.merchant_id.bytes, link.customer_id.bytes)
    return _text(fields + _mac(fields, key))


def decode_link(token: str, kind: LinkKind, *, key: bytes) -> MailLink | None:
    """Return what `token` says, or None when it was not made with `key` for a link of this `kind`."""
    if not token.isascii() or len(token) > _TOKEN_CHARACTERS:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    fields, mac = raw[: _FIELDS.size], raw[_FIELDS.size :]
    # Compared as text too: the last character of base64 has spare bits, and one link shall have one spelling.
    if len(fields) < _FIELDS.size or not hmac.compare_digest(mac, _mac(fields, key)) or _text(raw) != token:
        return None
    version, said_kind, category, days, merchant, customer = _FIELDS.unpack(fields)
    if version != VERSION or said_kind != kind.value:
        return None
    return MailLink(
        kind=kind,
        merchant_id=uuid.UUID(bytes=merchant),
        customer_id=uuid.UUID(bytes=customer),
        issued_on=_EPOCH + dt.timedelta(days=days),
        category=next((name for name, number in _CATEGORIES.items() if number == category), None),
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(fields: bytes, key: bytes) -> bytes:
    return hmac.digest(key, fields, hashlib.sha256)[:MAC_BYTES]
