"""Modules: what each contributes, as data, loaded and checked once when a process starts."""

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.core import alerts, audit_log, bulk, hooks, permissions
from app.core.alerts import AlertRule
from app.core.audit_log import AuditTexts
from app.core.bulk import BulkKind
from app.core.hooks import Moment
from app.core.outbox import writer
from app.core.permissions import Permission, Role
from app.core.personal import PersonalColumn

MODULES = ("tenancy", "customers", "messaging", "cms", "loyalty")


class InvalidModule(RuntimeError):
    """A module's definition contradicts itself or another's; the process does not start."""


@dataclasses.dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of a panel's navigation: `label` is a msgid, `icon` a name of the sprite.

    Entries that follow each other with the same `group` (a msgid) stand under it as a heading. Pages below `href` belong to the
    entry, and those below `also`.
    """

    face: str
    label: str
    icon: str
    href: str
    permission: str
    order: int = 100
    group: str = ""
    also: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """A task that beat starts: once for the platform every `seconds`, or for each merchant at `hour` of their own clock.

    `hour` 0 is right after midnight. With `weekday` (0 is Monday) once a week instead of once a day. `title`, a msgid, is what
    the admin's Jobs page calls it. `is_repeatable` says that a day's work can be asked for again, as a look at something that
    has changed meanwhile: a run that is started by hand then gets the keyword `asked`, a name of its own.
    """

    task: str
    seconds: int = 0
    hour: int | None = None
    weekday: int | None = None
    title: str = ""
    is_repeatable: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether it says when, in one way only."""
        if self.hour is None:
            return self.seconds > 0 and self.weekday is None
        return self.seconds == 0 and 0 <= self.hour <= 23 and (self.weekday is None or 0 <= self.weekday <= 6)


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleDefinition:
    """Everything a module plugs into the platform.

    `routers` and `pages` are import paths "package.module:attribute" (loaded by the web process only, so that a worker
    does not import the web), `tasks` maps a task's name to the import path of its coroutine function, `handlers` maps an
    event's name to task names, `openers` maps a face to the import path of the opener that signs callers in.
    `merchant_zones` is the import path of `async def (ctx: PlatformCtx) -> Sequence[tuple[UUID, str]]`: every live merchant
    with their IANA zone, for daily schedules; one module names it. `alerts` are rules that are watched beside core's;
    `alert_mail` is the import path of `async def (ctx: PlatformCtx, notice: Notice, recipient: str) -> None`, which mails the
    operator of an alert, safe to run twice; one module names it. `personal` and `impersonal` list the columns of the module's tables
    that can hold personal data, and those (by table, separated by spaces) that hold none: see `app/core/personal.py`. `bulk` are
    the kinds of long jobs that the module does, `long_work` is the import path of what lists its other long work
    (`bulk.register`). `hooks` maps a moment (`app/core/hooks.py`) to the import path of what the module does then. `audit` says
    what the module's entries in the audit log are called.
    """

    name: str
    routers: Sequence[str] = ()
    pages: Sequence[str] = ()
    tasks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    handlers: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    beat: Sequence[Schedule] = ()
    permissions: Sequence[Permission] = ()
    menu: Sequence[MenuItem] = ()
    openers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    merchant_zones: str | None = None
    alerts: Sequence[AlertRule] = ()
    alert_mail: str | None = None
    personal: Sequence[PersonalColumn] = ()
    impersonal: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cli: str | None = None
    bulk: Sequence[BulkKind] = ()
    long_work: str | None = None
    hooks: Mapping[Moment, str] = dataclasses.field(default_factory=dict)
    audit: AuditTexts = dataclasses.field(default_factory=AuditTexts)


def load_attribute(path: str) -> Any:
    """Return the object named by "package.module:attribute"."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def load_modules() -> list[ModuleDefinition]:
    """Load, register and validate the definitions of all modules, in dependency order; InvalidModule when something is off."""
    definitions: list[ModuleDefinition] = [load_attribute(f"app.modules.{name}.definition:MODULE") for name in MODULES]
    check_modules(definitions)
    for definition in definitions:
        for event, tasks in definition.handlers.items():
            for task in tasks:
                writer.subscribe(event, task)
    return definitions


def check_modules(definitions: Sequence[ModuleDefinition]) -> None:
    """Register all permissions and alerts and check every definition against the others; InvalidModule when something is off."""
    for definition in definitions:
        permissions.register(definition.permissions)
        alerts.register(definition.alerts)
        bulk.register(definition.bulk, definition.long_work)
        hooks.register(definition.hooks)
        audit_log.register(definition.audit)
    known_tasks = {task for definition in definitions for task in definition.tasks}
    for definition in definitions:
        _validate(definition, known_tasks)


def _validate(definition: ModuleDefinition, known_tasks: set[str]) -> None:
    for task in definition.tasks:
        if not task.startswith(f"{definition.name}."):
            raise InvalidModule(f"task {task} must start with its module's name, {definition.name}.")
    wanted = {task for tasks in definition.handlers.values() for task in tasks} | {schedule.task for schedule in definition.beat}
    if missing := wanted - known_tasks:
        raise InvalidModule(f"module {definition.name} names unknown tasks: {', '.join(sorted(missing))}")
    for schedule in definition.beat:
        if not schedule.is_sound:
            raise InvalidModule(
                f"the schedule of {schedule.task} needs either seconds, or an hour (0 to 23) and perhaps a weekday (0 to 6)"
            )
    for item in definition.menu:
        try:
            permissions.roles_for(item.permission)
        except KeyError as error:
            raise InvalidModule(f"menu entry {item.href} of {definition.name} needs the unknown permission {item.permission}") from error


def tasks_of(definitions: Sequence[ModuleDefinition]) -> dict[str, Callable[..., Any]]:
    """Return every task's coroutine function by name (imports them: for workers)."""
    return {name: load_attribute(path) for definition in definitions for name, path in definition.tasks.items()}


def roles() -> tuple[Role, ...]:
    """Return every role, from the least to the most powerful."""
    return ("public", "customer", "staff", "manager", "owner", "admin")
