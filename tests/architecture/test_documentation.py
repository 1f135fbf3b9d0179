"""What the documentation names exists: files, tests, other pages, and the commands' names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import cli
from app.ops.module_commands import list_module_commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
LOYALTY = ROOT / "app" / "modules" / "loyalty"
# Pages on loyalty name its files in short, the journeys its tests.
ROOTS = ("app/", "tests/", "docs/", "tools/", "frontend/", "requirements/")
PLACES = {"docs/modules/loyalty": (ROOT, LOYALTY, LOYALTY / "tests")}
REFERENCE = re.compile(r"`(?P<path>[\w./-]+\.(?:py|md|json|toml))?(?:::(?P<test>test_\w+))?`")
LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:^|`)orion (?P<name>[a-z][a-z-]+)", re.MULTILINE)


def places(page: Path) -> tuple[Path, ...]:
    return PLACES.get(str(page.parent.relative_to(ROOT)), (ROOT, ROOT / "app"))


def named_files(page: Path) -> Iterator[tuple[str, str | None]]:
    """Yield each path with the test named behind it; a test without a path belongs to the path before it."""
    path = ""
    for match in REFERENCE.finditer(page.read_text(encoding="utf-8")):
        path = match["path"] or path
        is_short = not path.startswith(ROOTS) and str(page.parent.relative_to(ROOT)) not in PLACES
        if not is_short and ("/" in (match["path"] or "") or match["test"]):
            yield path, match["test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_tests_that_a_page_names_exist(page: Path) -> None:
    missing = []
    for path, test in named_files(page):
        found = next((place / path for place in (*places(page), page.parent) if (place / path).is_file()), None)
        if found is None or (test and f"def {test}(" not in found.read_text(encoding="utf-8")):
            missing.append(f"{path}::{test}" if test else path)
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(page.read_text(encoding="utf-8"))]
    assert not [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_names_exist(page: Path) -> None:
    own = {command.name or (command.callback.__name__ if command.callback else "") for command in cli.registered_commands}
    known = own | {command.name for command in list_module_commands()}
    assert {match["name"] for match in COMMAND.finditer(page.read_text(encoding="utf-8"))} <= known
