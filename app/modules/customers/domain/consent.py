"""Consents: what a person agreed to, to which text, when and how (A9; domain.md, Privacy)."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable


class ConsentPurpose(enum.StrEnum):
    """What is agreed to. Terms are needed for a card, marketing mail is free and separate."""

    TERMS = "terms"
    MARKETING = "marketing"


class ConsentAction(enum.StrEnum):
    """Whether a consent was given or taken back."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class ConsentSource(enum.StrEnum):
    """Where the person said so."""

    STOREFRONT = "storefront"
    TERMINAL = "terminal"
    PROFILE = "profile"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    IMPORT = "import"
    MERCHANT = "merchant"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """One immutable statement; `text_version` names the text that was shown, `locale` its language."""

    purpose: ConsentPurpose
    action: ConsentAction
    source: ConsentSource
    text_version: str
    locale: str
    at: dt.datetime


def has_consent(records: Iterable[ConsentRecord], purpose: ConsentPurpose) -> bool:
    """Return whether the latest statement on `purpose` grants it; of two at one instant a withdrawal counts."""
    latest: ConsentRecord | None = None
    for record in records:
        if record.purpose is not purpose:
            continue
        if latest is None or record.at > latest.at or (record.at == latest.at and record.action is ConsentAction.WITHDRAWN):
            latest = record
    return latest is not None and latest.action is ConsentAction.GRANTED
