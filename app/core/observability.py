"""Logs and metrics. Logs are JSON with an allow-list of fields: ids, codes and numbers, never what a person typed."""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

# What each metric means, and which alerts rest on it: docs/operations.md, Metrics. Labels are bounded: routes are templates,
# statuses classes, stores at most as many as `RefusalCounter` takes; nothing personal is ever a label.
REQUESTS = Counter("orion_requests_total", "Requests by route template, method and class of status.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "orion_request_seconds",
    "Seconds a request took, by route template and class of status.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 8),
)
RATE_LIMITED = Counter("orion_rate_limited_total", "Requests refused by a rate limit, by limit.", ["limit"])
STORE_RATE_LIMITED = Counter("orion_store_rate_limited_total", "Answers 429 by store.", ["store_id"])
LIMITER_ERRORS = Counter("orion_limiter_errors_total", "Times the shared rate limit store failed and the in-process floor answered.")
POOL_IN_USE = Gauge("orion_pool_in_use", "Database connections that serve a unit of work.", ["pool"], multiprocess_mode="livesum")
POOL_WAITING = Gauge("orion_pool_waiting", "Units of work that wait for a connection.", ["pool"], multiprocess_mode="livesum")
OUTBOX_AGE_SECONDS = Gauge("orion_outbox_age_seconds", "Age of the oldest message that is due.", multiprocess_mode="max")
OUTBOX_DEAD = Gauge("orion_outbox_dead", "Messages that gave up.", multiprocess_mode="max")
TASK_RUNS = Counter("orion_task_runs_total", "Task runs by task and outcome.", ["task", "outcome"])
TASK_SECONDS = Histogram("orion_task_seconds", "Seconds a task took.", ["task"], buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120))
MAILS = Counter("orion_mails_total", "Mails by state.", ["state"])
EXPIRED_CARDS = Counter("orion_expired_cards_total", "Cards whose points expired.")
EXPIRED_POINTS = Counter("orion_expired_points_total", "Points that expired.")
EXPIRY_WARNINGS = Counter("orion_expiry_warnings_total", "Warnings that points will expire.")
LEDGER_MISMATCHES = Counter("orion_ledger_mismatches_total", "Cards found whose history does not lead to their balances.")
ALERTS_OPEN = Gauge("orion_alerts_open", "Alerts that are open, by rule.", ["rule"], multiprocess_mode="max")
ALERT_VALUE = Gauge("orion_alert_value", "What an alert’s rule measured last, at its worst subject.", ["rule"], multiprocess_mode="max")
ALERTS_EVALUATED = Gauge("orion_alerts_evaluated_timestamp_seconds", "When the alerts were last evaluated.", multiprocess_mode="max")

ALLOWED_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "logger", "request_id", "route", "method", "status", "milliseconds", "code", "error", "merchant_id",
        "store_id", "card_id", "task", "message_id", "attempt", "outcome", "process", "port", "count", "reason", "where", "seconds",
        "rule", "channel",
    }
)  # fmt: skip


def keep_allowed_fields(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not on the allow-list: a mistake in a log call must not leak a person's data."""
    return {name: value for name, value in event.items() if name in ALLOWED_FIELDS}


def configure_logging(*, level: int = logging.INFO, as_json: bool = True) -> None:
    """Set up structured logging for a process; standard-library loggers keep only warnings and say no more than their name."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed_fields,
            structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format='{"level":"%(levelname)s","logger":"%(name)s"}', force=True)


def where_of(error: BaseException) -> str:
    """Return file and line of the innermost frame of ours in `error`'s traceback: enough to find it, nothing personal."""
    place, frame = "?", error.__traceback__
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if "/app/" in name:
            place = f"{name.rsplit('/app/', 1)[1]}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place
