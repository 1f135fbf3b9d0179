"""The import contracts hold, and each of them breaks when its rule is broken."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / ".importlinter"

BROKEN: dict[str, dict[str, str]] = {
    "1-entry-points": {"app/core/money.py": "import app.modules.loyalty.public"},
    "2-core": {"app/core/clock.py": "import app.core.errors"},
    "3-modules": {"app/modules/tenancy/services/a.py": "import app.modules.loyalty.public"},
    "4-doors": {"app/modules/loyalty/services/a.py": "import app.modules.tenancy.services.b"},
    "5-inside": {"app/modules/loyalty/utils.py": ""},
    "6-plain": {"app/modules/loyalty/domain/a.py": "import sqlalchemy"},
    "7-no-frameworks": {"app/modules/loyalty/services/a.py": "from fastapi import HTTPException"},
    "8-routes": {"app/modules/loyalty/routes/a.py": "import app.modules.loyalty.models.card"},
}


def run_linter(directory: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run `lint-imports` in a directory; the code below it, not the installed one, is what it reads."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(directory / ".importlinter")]
    if contract:
        command += ["--contract", contract]
    environment = {**os.environ, "PYTHONPATH": str(directory), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=300)


def write_tree(directory: Path, files: dict[str, str]) -> None:
    """A small tree with one module of each kind, and the given files on top."""
    tree = {
        **{f"app/core/{name}/__init__.py": "" for name in ("db", "outbox", "tasks", "web")},
        "app/core/context.py": "import app.core.outbox",
        "app/core/errors.py": "",
        "app/core/money.py": "",
        "app/core/clock.py": "",
        "app/modules/tenancy/public.py": "import app.modules.tenancy.services.b",
        "app/modules/tenancy/services/b.py": "import app.core.money",
        "app/modules/loyalty/public.py": "",
        "app/modules/loyalty/domain/a.py": "",
        "app/modules/loyalty/models/card.py": "",
        "app/modules/loyalty/routes/a.py": "import app.modules.loyalty.services.a",
        "app/modules/loyalty/services/a.py": "import app.modules.tenancy.public",
        "app/modules/loyalty/tests/test_a.py": "import app.modules.tenancy.tests.factories",
        "app/modules/tenancy/tests/factories.py": "",
        **files,
    }
    for name, text in tree.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
        for parent in path.parents:
            if parent == directory:
                break
            (parent / "__init__.py").touch()
    (directory / "tools").mkdir()
    (directory / "tools/__init__.py").touch()
    shutil.copy(ROOT / "tools/import_contracts.py", directory / "tools/import_contracts.py")
    shutil.copy(CONFIGURATION, directory / ".importlinter")


def test_the_tree_follows_every_contract() -> None:
    result = run_linter(ROOT)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]


def test_a_clean_tree_passes(tmp_path: Path) -> None:
    write_tree(tmp_path, {})
    result = run_linter(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("contract", BROKEN)
def test_each_contract_breaks_when_its_rule_is_broken(contract: str, tmp_path: Path) -> None:
    write_tree(tmp_path, BROKEN[contract])
    result = run_linter(tmp_path, contract)
    assert result.returncode == 1
    assert "0 kept, 1 broken" in result.stdout


def test_every_contract_has_a_breaking_example() -> None:
    parser = configparser.ConfigParser()
    parser.read(CONFIGURATION, encoding="utf-8")
    names = {section.removeprefix("importlinter:contract:") for section in parser.sections() if ":contract:" in section}
    assert names == set(BROKEN)
