"""E-mail addresses: one form to compare, one to send to (domain.md, Identity)."""

import re
import unicodedata

MAX_EMAIL_LENGTH = 254
MAX_LOCAL_LENGTH = 64

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[^\W_]((?:[^\W_]|-)*[^\W_])?")


def clean_email(text: str) -> str:
    """Return the address to store and send to: trimmed and NFKC, upper and lower case as typed."""
    return unicodedata.normalize("NFKC", text).strip()


def normalize_email(text: str) -> str:
    """Return the form by which addresses are compared: trimmed, NFKC, casefolded. Dots and plus parts stay.

    Applying it twice changes nothing: folding can undo the normal form, so that is made again.
    """
    folded = unicodedata.normalize("NFKC", clean_email(text).casefold())
    return unicodedata.normalize("NFKC", folded.casefold()).strip()


def is_valid_email(text: str) -> bool:
    """Return whether `text` is an address that mail can reach: an ASCII local part, a domain with a dot.

    International domains are fine. Quoted local parts and addresses at an IP are legal, and always a mistake in a form.
    """
    address = normalize_email(text)
    local, at, domain = address.rpartition("@")
    if not at or len(address) > MAX_EMAIL_LENGTH or len(local) > MAX_LOCAL_LENGTH or not _LOCAL.fullmatch(local):
        return False
    labels = domain.split(".")
    if len(labels) < 2 or not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels):
        return False
    if len(labels[-1]) < 2 or labels[-1].isdigit():
        return False
    try:
        return len(domain.encode("idna")) <= 253
    except UnicodeError:
        return False
