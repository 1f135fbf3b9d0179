"""What beat starts and when: the schedules of core and all modules, as data; and starting one of them now, by hand."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from app.core.context import PlatformCtx
from app.core.i18n import N_
from app.core.modules import ModuleDefinition, Schedule, load_attribute
from app.core.task_stats import PLATFORM_ID

HOUR = 3600

CORE_SCHEDULES = (
    Schedule("core.forget_answers", seconds=HOUR, title=N_("Forget kept answers")),
    Schedule("core.forget_addresses", seconds=HOUR, title=N_("Forget addresses in the audit log")),
    Schedule("core.forget_done_messages", seconds=HOUR, title=N_("Forget work that is done")),
    Schedule("core.forget_schedule_runs", seconds=HOUR, title=N_("Forget what was started")),
    Schedule("core.forget_runs", seconds=HOUR, title=N_("Forget old runs and alerts")),
    Schedule("core.forget_files", seconds=HOUR, title=N_("Forget files and results that have expired")),
)

# Those that have been started for this period are left out before the insert: the usual tick writes nothing.
NOTE_RUNS = """
INSERT INTO core_schedule_runs (task, subject_id, period, started_at)
SELECT $1, due.subject_id, due.period, $4 FROM unnest($2::uuid[], $3::text[]) AS due (subject_id, period)
WHERE NOT EXISTS (SELECT FROM core_schedule_runs r WHERE r.task = $1 AND r.subject_id = due.subject_id AND r.period = due.period)
ON CONFLICT DO NOTHING RETURNING subject_id
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Timetable:
    """What beat starts: tasks at intervals, and tasks once a day or week in each merchant's zone."""

    schedules: Sequence[Schedule]
    list_merchant_zones: Callable[..., Any] | None

    @property
    def intervals(self) -> list[Schedule]:
        """Schedules that run once for the platform every `seconds`."""
        return [schedule for schedule in self.schedules if schedule.hour is None]

    @property
    def daily(self) -> list[Schedule]:
        """Schedules that run for every merchant, once a day or once a week."""
        return [schedule for schedule in self.schedules if schedule.hour is not None]

    def find(self, task: str) -> Schedule | None:
        """Return the schedule of `task`, None when nothing starts it by the clock."""
        return next((schedule for schedule in self.schedules if schedule.task == task), None)

    async def list_zones(self, ctx: PlatformCtx) -> Sequence[tuple[uuid.UUID, str]]:
        """Return the merchants that daily tasks run for, with their zones."""
        if self.list_merchant_zones is None:
            return []
        zones: Sequence[tuple[uuid.UUID, str]] = await self.list_merchant_zones(ctx)
        return zones


def timetable_of(definitions: Sequence[ModuleDefinition]) -> Timetable:
    """Return all schedules, and who knows the merchants' zones."""
    sources = [definition.merchant_zones for definition in definitions if definition.merchant_zones]
    schedules = [*CORE_SCHEDULES, *(schedule for definition in definitions for schedule in definition.beat)]
    return Timetable(schedules, load_attribute(sources[0]) if sources else None)


def due_day(schedule: Schedule, here: dt.datetime) -> dt.date | None:
    """Return the local day whose run is due at `here`, a merchant's local time; None when today's hour is still to come.

    A daily task that was missed is made up for on the same day, a weekly one until its next day.
    """
    has_passed = here.hour >= (schedule.hour or 0)
    if schedule.weekday is None:
        return here.date() if has_passed else None
    days = (here.weekday() - schedule.weekday) % 7
    return here.date() - dt.timedelta(days=7 if days == 0 and not has_passed else days)


def next_start(schedule: Schedule, now: dt.datetime, zones: Collection[str]) -> dt.datetime | None:
    """Return when beat starts the task next: for a merchant's task in the zone where it is first; None without any merchant."""
    if schedule.hour is None:
        return dt.datetime.fromtimestamp((int(now.timestamp()) // schedule.seconds + 1) * schedule.seconds, dt.UTC)
    return min((_next_in(schedule, now.astimezone(ZoneInfo(zone))) for zone in zones), default=None)


def _next_in(schedule: Schedule, here: dt.datetime) -> dt.datetime:
    days = 1 if schedule.weekday is None else 7
    ahead = 0 if schedule.weekday is None else (schedule.weekday - here.weekday()) % 7
    day = here.date() + dt.timedelta(days=ahead)
    if ahead == 0 and here.hour >= (schedule.hour or 0):
        day += dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(schedule.hour or 0), here.tzinfo).astimezone(dt.UTC)


async def note_starts(ctx: PlatformCtx, task: str, due: Sequence[tuple[uuid.UUID, str]]) -> list[uuid.UUID]:
    """Note that `task` is started for each subject and period of `due`; return the subjects for which nobody had noted it."""
    rows = await ctx.conn.fetch(NOTE_RUNS, task, [subject for subject, _ in due], [period for _, period in due], ctx.now)
    return [row["subject_id"] for row in rows]


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """How many runs were asked for, and how many of them were put on their way by this very call."""

    wanted: int
    count: int


async def start_now(ctx: PlatformCtx, schedule: Schedule, merchant_ids: Sequence[uuid.UUID], *, key: str) -> Started:
    """Start a task now, for each of `merchant_ids`, or once when it is the platform's.

    The same `key` starts nothing twice. What the task does once a day it still does once a day, unless it is repeatable.
    """
    payload: dict[str, Any] = {"asked": ctx.now.strftime("%Y-%m-%d %H:%M:%S UTC")} if schedule.is_repeatable else {}
    subjects = [PLATFORM_ID] if schedule.hour is None else list(merchant_ids)
    fresh = await note_starts(ctx, schedule.task, [(subject, f"by hand {key}") for subject in subjects])
    for subject in fresh:
        ctx.enqueue(schedule.task, merchant_id=None if subject == PLATFORM_ID else subject, **payload)
    return Started(len(subjects), len(fresh))
