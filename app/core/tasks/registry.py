"""Every task and every schedule of this release: the modules' and core's own."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.core.modules import ModuleDefinition, Schedule, load_attribute, tasks_of
from app.core.tasks import housekeeping


def handlers_of(definitions: Sequence[ModuleDefinition]) -> Mapping[str, Callable[..., Any]]:
    """Return every task's coroutine function by name."""
    return {**housekeeping.TASKS, **tasks_of(definitions)}


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


def timetable_of(definitions: Sequence[ModuleDefinition]) -> Timetable:
    """Return all schedules, and who knows the merchants' zones."""
    sources = [definition.merchant_zones for definition in definitions if definition.merchant_zones]
    schedules = [*housekeeping.BEAT, *(schedule for definition in definitions for schedule in definition.beat)]
    return Timetable(schedules, load_attribute(sources[0]) if sources else None)
