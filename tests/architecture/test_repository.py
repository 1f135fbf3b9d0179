"""What may be in the repository: locks with hashes and no addresses, no machine's paths, templates that compile."""

import re
import subprocess
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from app.core.i18n import jinja

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
REGISTRY_ADDRESS = re.compile(r'"resolved"|--(extra-)?index-url|--find-links|@ https?://|"https?://[^"]*\.tgz"')
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(home/\w+|Users/\w+|root|work|mnt|workspace|builds)/[\w.-]+")
# Paths that exist on every machine the documents speak of (containers, servers) are not a machine's own.


def tracked_files(*patterns: str) -> list[Path]:
    """The files git knows, or would take with the next commit, that match the patterns."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_there_are_locks() -> None:
    assert {path.stem for path in LOCKS} >= {"run", "dev"}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_locked_package_is_pinned_and_hashed(path: Path) -> None:
    text = re.sub(r"\\\n\s*", " ", path.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"^[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+", line), line[:80]
        assert "--hash=sha256:" in line, line[:80]


def test_locks_name_no_address() -> None:
    locks = [*LOCKS, *tracked_files("requirements/*.in", "package-lock.json", "**/package-lock.json")]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in locks
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if REGISTRY_ADDRESS.search(line)
    ]
    assert not found


def test_no_path_of_anybodys_machine_is_tracked() -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__) or path.suffix in {".png", ".woff2", ".ico", ".pdf"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATH.search(line) or str(ROOT) in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("see /home/anna/orion/app", True),
        ("DATA=/root/orion", True),
        ("https://example.lu/home/anna/x", False),
        ("/var/lib/orion", False),
        ("GET /work", False),
    ],
)
def test_the_search_for_machine_paths_itself(line: str, is_found: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) is is_found


def template_directories() -> list[Path]:
    """Every `templates` folder of core and the modules, in the order in which pages look them up."""
    return [ROOT / "app/core/templates", *sorted((ROOT / "app/modules").glob("*/templates"))]


def test_every_template_compiles() -> None:
    environment = Environment(loader=FileSystemLoader(template_directories()), autoescape=True)
    jinja.install(environment)
    files = [file for folder in template_directories() for file in folder.rglob("*") if file.suffix in {".html", ".txt", ".mjml"}]
    assert files
    for file in files:
        environment.compile(file.read_text(encoding="utf-8"), name=file.name, filename=str(file))


def test_no_compiled_catalog_and_no_build_output_is_tracked() -> None:
    assert not tracked_files("*.mo", "**/dist/*", "**/*.pyc", "uv.lock", "pylock.toml")
