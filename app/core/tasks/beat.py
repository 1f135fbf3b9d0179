"""Beat: ticks, and watches. Each tick asks the database what is due and writes it to the outbox, once per task and period.

A period is a row that only one beat can insert, in the transaction that writes the message: two beats at once, or one that
was started anew, start nothing twice. Missed intervals are skipped; a missed hour is made up for, until the next one is due.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog

from app.core import clock
from app.core.config import get_settings
from app.core.context import SYSTEM, PlatformCtx, Principal, platform_unit_of_work
from app.core.db import heartbeats
from app.core.db.engine import Database
from app.core.modules import Schedule, load_modules
from app.core.observability import configure_logging
from app.core.schedules import Timetable, due_day, note_starts, timetable_of
from app.core.task_stats import PLATFORM_ID
from app.core.tasks import watch

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
DAILY_TICK_SECONDS = 30.0


async def start_due_intervals(ctx: PlatformCtx, schedules: Sequence[Schedule]) -> int:
    """Enqueue each interval's task whose present period has not begun yet; return how many."""
    count = 0
    for schedule in schedules:
        period = str(int(ctx.now.timestamp()) // schedule.seconds * schedule.seconds)
        if await note_starts(ctx, schedule.task, [(PLATFORM_ID, period)]):
            ctx.enqueue(schedule.task)
            count += 1
    return count


async def start_due_days(ctx: PlatformCtx, schedules: Sequence[Schedule], zones: Sequence[tuple[uuid.UUID, str]]) -> int:
    """Enqueue each daily or weekly task for every merchant whose local clock has passed its hour and who has not had it yet."""
    local = [(merchant_id, ctx.now.astimezone(ZoneInfo(zone))) for merchant_id, zone in zones]
    count = 0
    for schedule in schedules:
        due = [(merchant_id, day.isoformat()) for merchant_id, here in local if (day := due_day(schedule, here)) is not None]
        for merchant_id in await note_starts(ctx, schedule.task, due):
            ctx.enqueue(schedule.task, merchant_id=merchant_id)
            count += 1
    return count


async def tick(database: Database, timetable: Timetable, *, now: dt.datetime | None = None, with_days: bool = True) -> int:
    """Start what is due at `now` (the present); return how many messages were written."""
    async with platform_unit_of_work(database, Principal(SYSTEM), request_id="beat", now=now) as ctx:
        count = await start_due_intervals(ctx, timetable.intervals)
        if with_days and timetable.daily:
            count += await start_due_days(ctx, timetable.daily, await timetable.list_zones(ctx))
    return count


async def run_beat() -> None:
    """Tick until cancelled; a tick that fails is made up for by the next."""
    configure_logging()
    database = Database.from_settings(get_settings().model_copy(update={"pool_size": 1}), application="orion-beat")
    definitions = load_modules()
    timetable = timetable_of(definitions)
    aside = [
        asyncio.create_task(heartbeats.keep_beating(database, "beat")),
        asyncio.create_task(watch.keep_watching(database, watch.watch_of(definitions, get_settings()))),
    ]
    next_days = clock.now()
    try:
        while True:
            now = clock.now()
            try:
                await tick(database, timetable, now=now, with_days=now >= next_days)
                if now >= next_days:
                    next_days = now + dt.timedelta(seconds=DAILY_TICK_SECONDS)
            except Exception as error:  # the database is away: the next tick sees to it
                log.warning("tick_failed", error=type(error).__name__)
            await asyncio.sleep(TICK_SECONDS)
    finally:
        for task in aside:
            task.cancel()
        await asyncio.gather(*aside, return_exceptions=True)
        await database.dispose()
