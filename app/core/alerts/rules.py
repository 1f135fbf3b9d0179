"""What is watched, as data: core's rules here, the modules' in their definitions. deploy/prometheus/alerts.yml says the same."""

import dataclasses
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from app.core.i18n import N_

Severity = Literal["page", "warn", "investigate"]
PLATFORM = "platform"
"""The subject of an alert about the whole platform."""

LATE_SECONDS = 15 * 60
MOST_REFUSALS = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What a rule measured for one subject: the platform, a store, a merchant. `details` fill the placeholders of its sentence."""

    value: float
    subject: str = PLATFORM
    merchant_id: uuid.UUID | None = None
    details: Mapping[str, int | str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class AlertRule:
    """One thing that an operator wants to know of.

    `severity`: page (wake somebody), warn (look today), investigate (find out why). `title`, `sentence` and `advice` are msgids;
    the sentence says what was seen, with placeholders that each Reading's details fill. The alert is open for a subject while
    its value is above `threshold`. `measure` is the import path of `async def (ctx: PlatformCtx) -> Sequence[Reading]`, asked
    every minute; without one a task opens and clears the alert itself. `expression` is the same value in PromQL.
    """

    name: str
    severity: Severity
    title: str
    sentence: str
    advice: str
    threshold: float
    expression: str
    measure: str | None = None

    @property
    def query(self) -> str:
        """The condition in PromQL."""
        return f"{self.expression} > {self.threshold:g}"


CORE_RULES = (
    AlertRule(
        name="outbox_late",
        severity="warn",
        title=N_("Work is waiting too long"),
        sentence=N_("The oldest task has been due for %(minutes)s minutes; %(due)s tasks wait."),
        advice=N_("See whether the relay, the broker and the workers run. Nothing is lost: the work waits in the database."),
        threshold=LATE_SECONDS,
        expression="max(orion_outbox_age_seconds)",
        measure="app.core.alerts.measures:measure_lateness",
    ),
    AlertRule(
        name="outbox_dead",
        severity="warn",
        title=N_("Tasks have given up"),
        sentence=N_("Tasks that gave up and wait for somebody’s decision: %(dead)s."),
        advice=N_("Look at their reasons on the Jobs page, see to the cause, then try them again."),
        threshold=0,
        expression="max(orion_outbox_dead)",
        measure="app.core.alerts.measures:measure_dead",
    ),
    AlertRule(
        name="store_refusals",
        severity="investigate",
        title=N_("A store is refused often"),
        sentence=N_("%(count)s requests within a minute were answered with “too many requests”."),
        advice=N_("Find out who asks so often: a broken terminal, a busy counter, or somebody who tries codes."),
        threshold=MOST_REFUSALS,
        expression="sum by (store_id) (increase(orion_store_rate_limited_total[1m]))",
        measure="app.core.alerts.measures:measure_refusals",
    ),
)

_registry: dict[str, AlertRule] = {rule.name: rule for rule in CORE_RULES}


def register(found: Iterable[AlertRule]) -> None:
    """Make a module's rules known; a name declared twice in different ways raises ValueError."""
    for rule in found:
        if _registry.setdefault(rule.name, rule) != rule:
            raise ValueError(f"alert {rule.name} is declared twice in different ways")


def find_rule(name: str) -> AlertRule | None:
    """Return the rule `name`; None when this release does not know it."""
    return _registry.get(name)


def rules() -> Sequence[AlertRule]:
    """Return all rules that are known, core's and the loaded modules'."""
    return tuple(_registry.values())
