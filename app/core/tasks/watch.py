"""Watching, in beat's own process: every minute the alerts are evaluated and the operator is told what opened and what is over.

No step of it goes through outbox, relay, broker or worker, so that none of them can silence its own alert
(docs/adr/0013-alerts-beside-the-outbox.md). Two beats at once do no harm: an alert opens once, a notice is taken once.
"""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from app.core import alerts, clock
from app.core.alerts import AlertRule, Reading, notices, webhook
from app.core.alerts.notices import Notice
from app.core.config import Settings
from app.core.context import SYSTEM, PlatformCtx, Principal, platform_unit_of_work
from app.core.db.engine import Database, raw_connection
from app.core.errors import GiveUp, OrionException
from app.core.i18n import use_locale
from app.core.modules import ModuleDefinition, load_attribute
from app.core.observability import ALERT_VALUE, ALERTS_EVALUATED, ALERTS_OPEN

log = structlog.get_logger(__name__)

EVALUATE_SECONDS = 60.0
SEND_SECONDS = 30.0
BEAT = Principal(SYSTEM)

Measure = Callable[[PlatformCtx], Awaitable[Sequence[Reading]]]
Send = Callable[[PlatformCtx, Notice], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """What is watched, and how the operator is told: a way to send by the channel's name."""

    rules: Sequence[AlertRule]
    channels: Mapping[str, Send]
    locale: str = "en"


def watch_of(definitions: Sequence[ModuleDefinition], settings: Settings) -> Watch:
    """Return core's rules and the modules', and the channels that the settings name."""
    channels: dict[str, Send] = {}
    mailers = [definition.alert_mail for definition in definitions if definition.alert_mail]
    if settings.alert_email and mailers:
        channels["mail"] = _mailer(mailers[0], settings.alert_email)
    if settings.alert_webhook_url is not None:
        channels["webhook"] = _webhook(settings.alert_webhook_url.get_secret_value(), settings.base_url)
    rules = [*alerts.CORE_RULES, *(rule for definition in definitions for rule in definition.alerts)]
    return Watch(rules, channels, settings.alert_locale)


def _mailer(path: str, recipient: str) -> Send:
    async def send(ctx: PlatformCtx, notice: Notice) -> None:
        await load_attribute(path)(ctx, notice, recipient)

    return send


def _webhook(url: str, base_url: str) -> Send:
    async def send(_ctx: PlatformCtx, notice: Notice) -> None:
        await webhook.send(url, notice, base_url)

    return send


async def keep_watching(database: Database, watch: Watch) -> None:
    """Evaluate and tell every minute until cancelled; whatever fails is made up for by the next minute."""
    while True:
        await watch_once(database, watch)
        await asyncio.sleep(EVALUATE_SECONDS)


async def watch_once(database: Database, watch: Watch, *, now: dt.datetime | None = None) -> None:
    """Evaluate all rules at `now` (the present), then send what is due."""
    await evaluate(database, watch.rules, now=now)
    try:
        await tell(database, watch, now=now)
    except Exception as error:  # the database is away
        log.warning("alerts_not_told", error=type(error).__name__)


async def evaluate(database: Database, rules: Sequence[AlertRule], *, now: dt.datetime | None = None) -> None:
    """Open and clear alerts by what each rule measures; one that fails leaves its alerts as they are and stops no other."""
    has_failed = False
    for rule in rules:
        if rule.measure is None:
            continue
        try:
            async with platform_unit_of_work(database, BEAT, request_id="beat", now=now) as ctx:
                measure: Measure = load_attribute(rule.measure)
                await settle(ctx, rule, await measure(ctx))
        except Exception as error:
            has_failed = True
            log.warning("alert_not_evaluated", rule=rule.name, error=type(error).__name__)
    try:
        async with raw_connection(database.platform) as conn:
            counts = await alerts.count_open(conn)
    except Exception as error:
        log.warning("alert_not_evaluated", error=type(error).__name__)
        return
    for rule in rules:
        ALERTS_OPEN.labels(rule.name).set(counts.get(rule.name, 0))
    if not has_failed:
        ALERTS_EVALUATED.set((now or clock.now()).timestamp())


async def settle(ctx: PlatformCtx, rule: AlertRule, readings: Sequence[Reading]) -> None:
    """Open an alert for every reading above the threshold, and clear those of the rule that are no longer."""
    ALERT_VALUE.labels(rule.name).set(max((reading.value for reading in readings), default=0))
    above = {(reading.merchant_id, reading.subject): reading for reading in readings if reading.value > rule.threshold}
    for (merchant_id, subject), reading in above.items():
        await alerts.open_alert(ctx, rule, subject=subject, merchant_id=merchant_id, details=reading.details)
    for alert in await alerts.list_alerts(ctx.conn, rule=rule.name):
        if (alert.merchant_id, alert.subject) not in above:
            await alerts.clear_alert(ctx, rule, subject=alert.subject, merchant_id=alert.merchant_id)


async def tell(database: Database, watch: Watch, *, now: dt.datetime | None = None) -> int:
    """Queue what has to be told and send what is due; return how many notices were sent. Failures are tried again later."""
    channels, at = list(watch.channels), now or clock.now()
    async with raw_connection(database.platform) as conn:
        await notices.queue(conn, channels, at)
        due = await notices.list_due(conn, channels, at)
    return sum([await _send(database, watch, notice, at) for notice in due])


async def _send(database: Database, watch: Watch, notice: Notice, now: dt.datetime) -> bool:
    async with raw_connection(database.platform) as conn:
        if not await notices.take(conn, notice, now):
            return False
    try:
        with use_locale(watch.locale):
            async with (
                asyncio.timeout(SEND_SECONDS),
                platform_unit_of_work(database, BEAT, request_id=str(notice.alert.id), now=now) as ctx,
            ):
                await watch.channels[notice.channel](ctx, notice)
                await notices.note_sent(ctx.conn, notice, now)
    except Exception as error:  # whatever it is, the notice is tried again, or its reason kept
        reason = error.error_code if isinstance(error, OrionException) else type(error).__name__
        log.warning("alert_not_told", rule=notice.alert.rule, channel=notice.channel, reason=reason)
        async with raw_connection(database.platform) as conn:
            await notices.note_failed(conn, notice, reason, is_final=isinstance(error, GiveUp))
        return False
    return True
