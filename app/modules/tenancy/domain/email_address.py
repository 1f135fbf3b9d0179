"""E-mail addresses of people who sign in: compared trimmed, NFKC and casefolded, with no guessing about dots or plus parts."""

import re
import unicodedata

from app.modules.tenancy.errors import EmailInvalidException

MAX_LENGTH = 254
_SHAPE = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def normalize_email(text: str) -> str:
    """Return the form in which addresses are compared (domain.md, Identity)."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def is_email(text: str) -> bool:
    """Return whether the normalized `text` can be an address at all: one @, a dot in the host, nothing unprintable."""
    return len(text) <= MAX_LENGTH and text.isprintable() and _SHAPE.fullmatch(text) is not None


def require_email(text: str, *, field: str = "email") -> str:
    """Return `text` normalized; EmailInvalidException for `field` when it cannot be an address."""
    normalized = normalize_email(text)
    if not is_email(normalized):
        raise EmailInvalidException(field)
    return normalized
