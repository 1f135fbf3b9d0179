"""What a definition names by its import path is there: a worker imports tasks only when the first message comes."""

import pytest

from app.core import schedules
from app.core.modules import ModuleDefinition, load_attribute, load_modules, tasks_of
from app.core.tasks import registry

DEFINITIONS = load_modules()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name)
def test_everything_a_definition_names_can_be_loaded(definition: ModuleDefinition) -> None:
    paths = [*definition.routers, *definition.pages, *definition.openers.values(), *definition.tasks.values()]
    assert all(load_attribute(path) is not None for path in paths)


def test_every_schedule_has_a_handler() -> None:
    handlers = registry.handlers_of(DEFINITIONS)
    assert {schedule.task for schedule in schedules.timetable_of(DEFINITIONS).schedules} <= handlers.keys()
    assert tasks_of(DEFINITIONS).keys() <= handlers.keys()
