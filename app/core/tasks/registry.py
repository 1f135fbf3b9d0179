"""Every task of this release: the modules' and core's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.core import task_stats
from app.core.modules import ModuleDefinition, tasks_of
from app.core.schedules import timetable_of
from app.core.tasks import housekeeping


def handlers_of(definitions: Sequence[ModuleDefinition]) -> Mapping[str, Callable[..., Any]]:
    """Return every task's coroutine function by name; runs of those that have a schedule are accounted for from now on."""
    task_stats.watch_tasks(schedule.task for schedule in timetable_of(definitions).schedules)
    return {**housekeeping.TASKS, **tasks_of(definitions)}
