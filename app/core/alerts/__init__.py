"""Alerts: rules as data, what is open and since when, and what the operator is told. Who evaluates them: app/core/tasks/watch.py.

await alerts.open_alert(ctx, "ledger_mismatch", subject=str(card_id), details={"cards": 3})
await alerts.clear_alert(ctx, "ledger_mismatch", subject=str(card_id))
"""

from app.core.alerts.rules import (
    CORE_RULES,
    PLATFORM,
    AlertRule,
    Reading,
    Severity,
    find_rule,
    register,
    rules,
)
from app.core.alerts.store import Alert, clear_alert, count_open, list_alerts, list_cleared, open_alert
from app.core.alerts.words import AlertText, describe

__all__ = [
    "CORE_RULES",
    "PLATFORM",
    "Alert",
    "AlertRule",
    "AlertText",
    "Reading",
    "Severity",
    "clear_alert",
    "count_open",
    "describe",
    "find_rule",
    "list_alerts",
    "list_cleared",
    "open_alert",
    "register",
    "rules",
]
