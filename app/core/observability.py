"""Logs and metrics. Logs are JSON with an allow-list of fields: ids, codes and numbers, never what a person typed."""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("orion_requests_total", "Requests by route template, method and status.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "orion_request_seconds", "Seconds a request took, by face.", ["face"], buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 8)
)
RATE_LIMITED = Counter("orion_rate_limited_total", "Requests refused by a rate limit, by limit.", ["limit"])
LIMITER_ERRORS = Counter("orion_limiter_errors_total", "Times the shared rate limit store failed and the in-process floor answered.")
OUTBOX_AGE_SECONDS = Gauge("orion_outbox_age_seconds", "Age of the oldest message that is due.", multiprocess_mode="max")
OUTBOX_DEAD = Gauge("orion_outbox_dead", "Messages that gave up.", multiprocess_mode="max")
TASK_RUNS = Counter("orion_task_runs_total", "Task runs by task and outcome.", ["task", "outcome"])
TASK_SECONDS = Histogram("orion_task_seconds", "Seconds a task took.", ["task"], buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120))
MAILS = Counter("orion_mails_total", "Mails by state.", ["state"])

ALLOWED_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "logger", "request_id", "route", "method", "status", "milliseconds", "code", "error", "merchant_id",
        "store_id", "card_id", "task", "message_id", "attempt", "outcome", "process", "port", "count", "reason", "where", "seconds",
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
