"""An alert in words, in the current language: for the health page, the operator's mail and the webhook."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from app.core.alerts.rules import Severity, find_rule
from app.core.i18n import N_, _

SEVERITY_WORDS: Mapping[Severity, str] = {"page": N_("urgent"), "warn": N_("warning"), "investigate": N_("to investigate")}


@dataclasses.dataclass(frozen=True, slots=True)
class AlertText:
    """What to show: a short title, a sentence about what was seen, what to do, and how pressing it is."""

    title: str
    sentence: str
    advice: str
    severity: str


class _Details(dict[str, Any]):
    """A detail that an older release did not write shows as a dash."""

    def __missing__(self, _key: str) -> str:
        return "–"


def describe(rule: str, severity: Severity, details: Mapping[str, Any]) -> AlertText:
    """Return the words for an alert; one of a rule that this release does not know shows its name."""
    word, found = _(SEVERITY_WORDS[severity]), find_rule(rule)
    if found is None:
        return AlertText(rule, "", "", word)
    return AlertText(_(found.title), _(found.sentence) % _Details(details), _(found.advice), word)
