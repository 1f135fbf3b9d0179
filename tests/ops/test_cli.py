"""The `orion` command: quick, complete, and without tracebacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.modules import MODULES, load_attribute
from app.ops.module_commands import list_module_commands, load_module_command

REPOSITORY = Path(__file__).resolve().parents[2]
SHOW_HELP = """
import sys
from app.cli import cli
try:
    cli(["--help"])
finally:
    print("heavy:", sorted({"sqlalchemy", "fastapi", "celery", "asyncpg", "pydantic", "rich"} & set(sys.modules)))
"""


def orion(*arguments: str, folder: Path = REPOSITORY) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=folder,
        env={"PATH": "", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_help_names_every_command_and_imports_nothing_heavy() -> None:
    answer = subprocess.run([sys.executable, "-c", SHOW_HELP], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    own = ["demo", "web", "worker", "relay", "beat", "migrate", "seed-demo", "doctor", "openapi", "bootstrap-roles"]
    for name in (*own, "create-admin", "verify-ledger", "expire-points"):
        assert f"\n  {name} " in answer.stdout
    assert answer.stdout.endswith("heavy: []\n"), answer.stdout


def test_what_the_help_lists_of_modules_is_what_their_definitions_contribute() -> None:
    listed = list(list_module_commands())
    assert {command.module for command in listed} == {
        name for name in MODULES if load_attribute(f"app.modules.{name}.definition:MODULE").cli is not None
    }
    for command in listed:
        loaded = load_module_command(command)
        assert loaded.name == command.name
        assert command.help
    assert len({command.name for command in listed}) == len(listed)


def test_what_a_modules_command_tells_of_is_heard() -> None:
    script = """
from app.cli import cli
from app.core.outbox import writer
try:
    cli(["password-link", "--help"])
finally:
    print("heard:", writer._subscribers.get("tenancy.password_link_requested"))
"""
    answer = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert answer.stdout.endswith("heard: ['messaging.send_password_link']\n"), answer.stdout + answer.stderr


@pytest.mark.parametrize("command", ["web", "worker", "relay", "beat", "migrate", "seed-demo"])
def test_a_command_without_its_settings_says_which_one_is_missing(tmp_path: Path, command: str) -> None:
    answer = orion(command, folder=tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: ORION_")
    assert "is not set." in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_command_with_a_wrong_setting_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ORION_REQUEST_DEADLINE_SECONDS=soon\n")
    answer = orion("relay", folder=tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: Wrong settings in .env or the environment: ORION_REQUEST_DEADLINE_SECONDS: ")
    assert "soon" not in answer.stderr


def test_doctor_fails_when_something_needed_is_missing_and_not_otherwise(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ORION_ENV=production\nORION_BASE_URL=https://loyalty.example\n")
    answer = orion("doctor", folder=tmp_path)
    assert answer.returncode == 1
    for name in ("ORION_DATABASE_URL", "ORION_BROKER_URL", "ORION_SECRET_KEY_FILE"):
        assert name in answer.stdout
