"""Running the platform: is everything alive, what gave up, try it again. For the platform's admin; nothing personal."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, JsonValue
from starlette.responses import Response

from app.core import alerts, audit, pagination
from app.core.alerts import Alert, notices
from app.core.context import PlatformCtx
from app.core.db import state
from app.core.errors import N_, NotFound
from app.core.outbox import admin
from app.core.web.deps import access
from app.core.web.fields import Answer, Body, Cursor, example
from app.core.web.problems import documented

router = APIRouter(prefix="/api/v1/admin/operation", tags=["Operation - Admin"])
Limit = Annotated[int, Query(ge=1, le=pagination.MAX_PAGE, description="Messages on a page.")]

PROCESS_EXAMPLE: dict[str, JsonValue] = {
    "name": "relay:orion-1:4711", "kind": "relay", "beat_at": "2026-11-23T10:15:00Z", "is_alive": True,
}  # fmt: skip
DATABASE_EXAMPLE: dict[str, JsonValue] = {
    "version": "17.6", "size_bytes": 1_288_490_188, "connections": 14, "max_connections": 100, "is_migrated": True,
    "versions": ["core_004", "loyalty_004"], "expected_versions": ["core_004", "loyalty_004"],
}  # fmt: skip
DEAD_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f", "merchant_id": "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e", "task": "messaging.send_mail",
    "attempts": 14, "deaths": 0, "reason": "mail_refused", "created_at": "2026-11-22T10:15:00Z", "dead_at": "2026-11-23T10:15:00Z",
}  # fmt: skip


ALERT_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f", "rule": "outbox_late", "severity": "warn", "title": "Work is waiting too long",
    "sentence": "The oldest task has been due for 18 minutes; 240 tasks wait.",
    "advice": "See whether the relay, the broker and the workers run. Nothing is lost: the work waits in the database.",
    "subject": "platform", "merchant_id": None, "details": {"minutes": 18, "due": 240}, "opened_at": "2026-11-23T10:15:00Z",
    "cleared_at": None,
}  # fmt: skip
RECENTLY = dt.timedelta(days=7)


class DeadMessageNotFound(NotFound):
    """No message of this id has given up: it never existed, or somebody has started it again already."""

    code = "dead_message_not_found"
    message = N_("This task is no longer among those that gave up. Load the page again to see how it went on.")


class ProcessAnswer(Answer):
    """A process and its last sign of life; after a minute of silence it does not count as alive."""

    model_config = ConfigDict(frozen=True, from_attributes=True, json_schema_extra={"examples": [PROCESS_EXAMPLE]})

    name: str
    kind: Literal["web", "relay", "worker", "beat"]
    beat_at: dt.datetime
    is_alive: bool


class DatabaseAnswer(Answer):
    """The database: `versions` are the migrations it has, `expected_versions` those that this code needs."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [DATABASE_EXAMPLE]})

    version: str
    size_bytes: int
    connections: int
    max_connections: int
    is_migrated: bool
    versions: list[str]
    expected_versions: list[str]


class HealthAnswer(Answer):
    """The platform's state. `missing` are the kinds of which no process is alive; `is_well` when nothing needs a person.

    `open_alerts` counts what GET …/alerts lists.
    """

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "is_well": False, "processes": [PROCESS_EXAMPLE], "missing": ["beat"], "due": 3, "oldest_due_seconds": 1.5, "dead": 1,
                    "open_alerts": 1, "database": DATABASE_EXAMPLE,
                }
            ]
        },
    )  # fmt: skip

    is_well: bool
    processes: list[ProcessAnswer]
    missing: list[Literal["web", "relay", "worker", "beat"]]
    due: int
    oldest_due_seconds: float
    dead: int
    open_alerts: int
    database: DatabaseAnswer


class DeadAnswer(Answer):
    """A message that gave up: which task, after how many tries and worker deaths; `reason` is an error's code or type."""

    model_config = ConfigDict(frozen=True, from_attributes=True, json_schema_extra={"examples": [DEAD_EXAMPLE]})

    id: uuid.UUID
    merchant_id: uuid.UUID | None
    task: str
    attempts: int
    deaths: int
    reason: str | None
    created_at: dt.datetime
    dead_at: dt.datetime


class DeadPage(Answer):
    """A page of messages that gave up, the latest first; `next_cursor` leads on."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [DEAD_EXAMPLE], "next_cursor": None}]})

    items: list[DeadAnswer]
    next_cursor: str | None


class AlertAnswer(Answer):
    """An alert in words of the caller's language. `subject` is "platform", or an id of what it is about."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [ALERT_EXAMPLE]})

    id: uuid.UUID
    rule: str
    severity: Literal["page", "warn", "investigate"]
    title: str
    sentence: str
    advice: str
    subject: str
    merchant_id: uuid.UUID | None
    details: dict[str, int | str]
    opened_at: dt.datetime
    cleared_at: dt.datetime | None


class TroubleAnswer(Answer):
    """Notices to the operator that could not be sent so far: the channel, why, and how many."""

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        json_schema_extra={"examples": [{"channel": "mail", "reason": "smtp_not_configured", "count": 2}]},
    )

    channel: str
    reason: str
    count: int


class AlertsAnswer(Answer):
    """Alerts that are open, the most severe first; those that ended within a week, the latest first; what could not be told."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"open": [ALERT_EXAMPLE], "cleared": [], "untold": []}]})

    open: list[AlertAnswer]
    cleared: list[AlertAnswer]
    untold: list[TroubleAnswer]


class RetryForm(Body):
    """Which task's messages are tried again."""

    model_config = example(task="messaging.send_mail")

    task: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=100)]


class RetriedAnswer(Answer):
    """How many messages are due again."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"retried": 40}]})

    retried: int


async def read_alerts(ctx: PlatformCtx) -> AlertsAnswer:
    """Return what the health page shows of alerts, in the current language."""
    return AlertsAnswer(
        open=[_shape_alert(alert) for alert in await alerts.list_alerts(ctx.conn)],
        cleared=[_shape_alert(alert) for alert in await alerts.list_cleared(ctx.conn, ctx.now - RECENTLY)],
        untold=[TroubleAnswer.model_validate(trouble) for trouble in await notices.list_trouble(ctx.conn)],
    )


def _shape_alert(alert: Alert) -> AlertAnswer:
    words = alerts.describe(alert.rule, alert.severity, alert.details)
    return AlertAnswer(
        id=alert.id,
        rule=alert.rule,
        severity=alert.severity,
        title=words.title,
        sentence=words.sentence,
        advice=words.advice,
        subject=alert.subject,
        merchant_id=alert.merchant_id,
        details=dict(alert.details),
        opened_at=alert.opened_at,
        cleared_at=alert.cleared_at,
    )


@router.get("/alerts", summary="List alerts", responses=documented())
async def list_alerts(ctx: PlatformCtx = access("admin", "core.health.view")) -> AlertsAnswer:
    """Return alerts that are open, those that ended within a week, and whether the operator could be told."""
    return await read_alerts(ctx)


@router.get("/health", summary="Read the platform's health", responses=documented())
async def read_health(ctx: PlatformCtx = access("admin", "core.health.view")) -> HealthAnswer:
    """Return processes with their last sign of life, the background work that waits or gave up, and the database's state."""
    health, database = await admin.read_health(ctx.conn, ctx.now), await state.read_database(ctx.conn)
    open_alerts = sum((await alerts.count_open(ctx.conn)).values())
    return HealthAnswer(
        is_well=health.is_well and database.migrations.is_at_head and not open_alerts,
        processes=[ProcessAnswer.model_validate(process) for process in health.processes],
        missing=list(health.missing),
        due=health.due,
        oldest_due_seconds=health.oldest_due_seconds,
        dead=health.dead,
        open_alerts=open_alerts,
        database=DatabaseAnswer(
            version=database.version,
            size_bytes=database.size_bytes,
            connections=database.connections,
            max_connections=database.max_connections,
            is_migrated=database.migrations.is_at_head,
            versions=sorted(database.migrations.current),
            expected_versions=sorted(database.migrations.heads),
        ),
    )


@router.get("/dead", summary="List tasks that gave up", responses=documented(400))
async def list_dead(
    cursor: Cursor | None = None,
    limit: Limit = pagination.DEFAULT_PAGE,
    ctx: PlatformCtx = access("admin", "core.health.view"),
) -> DeadPage:
    """Return background tasks that gave up, the latest first, a page at a time."""
    page = await admin.list_dead(ctx.conn, cursor, limit)
    return DeadPage(items=[DeadAnswer.model_validate(message) for message in page.items], next_cursor=page.next_cursor)


@router.post("/dead/{message_id}/retry", summary="Try a task again", status_code=204, responses=documented(404))
async def retry_dead(message_id: uuid.UUID, ctx: PlatformCtx = access("admin", "core.outbox.retry")) -> Response:
    """Give a task that gave up all its tries again, from now on. A second call finds nothing to try: 404."""
    retried = await admin.retry_dead(ctx.conn, message_id, ctx.now)
    if retried is None:
        raise DeadMessageNotFound
    await audit.record(ctx, "core.outbox.retried", "message", message_id, merchant_id=retried.merchant_id, task=retried.task)
    return Response(status_code=204)


@router.post("/dead/retry", summary="Try all messages of a task again", responses=documented())
async def retry_dead_of_task(form: RetryForm, ctx: PlatformCtx = access("admin", "core.outbox.retry")) -> RetriedAnswer:
    """Give every message of one task that gave up all its tries again, the oldest 5,000 at most; a second call finds none left."""
    retried = await admin.retry_dead_of(ctx.conn, form.task, ctx.now)
    if retried:
        await audit.record(ctx, "core.outbox.retried", "task", None, task=form.task, messages=retried)
    return RetriedAnswer(retried=retried)
