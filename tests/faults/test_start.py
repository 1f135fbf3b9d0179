"""What `orion web` refuses to start with; the message names the fix (reliability.md, case 53)."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.testing.application import settings_environment
from app.core.testing.databases import DatabaseUrls
from app.core.testing.processes import ROOT, free_port, wait_for
from tests.faults.conftest import is_ready

pytestmark = pytest.mark.faults
WITHIN_SECONDS = 30


@pytest.fixture
def environment(database_urls: DatabaseUrls, tmp_path: Path) -> dict[str, str]:
    """Settings with which everything starts."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **settings_environment(database_urls, tmp_path)}


def start(environment: dict[str, str], port: int) -> "subprocess.Popen[str]":
    """Run the real command as an operator does."""
    command = [sys.executable, "-m", "app.cli", "web", "--port", str(port), "--workers", "2"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def assert_refused(environment: dict[str, str], *words: str) -> None:
    """The command ends by itself, says one sentence with all `words`, shows no traceback and has served nobody."""
    port = free_port()
    process = start(environment, port)
    try:
        _, errors = process.communicate(timeout=WITHIN_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1
    assert not is_ready(port)
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line.startswith("Error: ")] != []
    for word in words:
        assert word in errors, errors


@pytest.mark.parametrize("variable", ["ORION_SECRET_KEY_FILE", "ORION_PIN_PEPPER_FILE"])
def test_a_key_file_that_others_can_read(environment: dict[str, str], variable: str) -> None:
    path = Path(environment[variable])
    path.chmod(0o644)
    assert_refused(environment, variable, "mode 0644", f"chmod 600 {path}")


@pytest.mark.parametrize("secret", ["change-me-change-me-change-me-change-me", "a" * 64, "short", ""])
def test_a_default_or_short_secret(environment: dict[str, str], secret: str) -> None:
    path = Path(environment["ORION_SECRET_KEY_FILE"])
    path.write_text(secret)
    assert_refused(environment, "ORION_SECRET_KEY_FILE", "default or short secret", f"head -c 32 /dev/urandom | base64 > {path}")
    if secret and secret != "short":
        assert_no_secret(environment, secret)


def assert_no_secret(environment: dict[str, str], secret: str) -> None:
    """What is wrong with a secret is said without showing it."""
    process = start(environment, free_port())
    output, errors = process.communicate(timeout=WITHIN_SECONDS)
    assert secret not in output + errors


def test_a_key_file_that_is_not_there(environment: dict[str, str]) -> None:
    path = Path(environment["ORION_PIN_PEPPER_FILE"])
    path.unlink()
    assert_refused(environment, "ORION_PIN_PEPPER_FILE", f"there is no file {path}", f"chmod 600 {path}")


@pytest.mark.parametrize(
    ("role", "words"), [("superuser", ("superuser", "Connect as orion_app")), ("owner", ("owns tables", "Connect as orion_app"))]
)
def test_a_database_role_that_may_too_much(
    environment: dict[str, str], database_urls: DatabaseUrls, role: str, words: tuple[str, ...]
) -> None:
    assert_refused(environment | {"ORION_DATABASE_URL": getattr(database_urls, role)}, "ORION_DATABASE_URL", *words)


def test_a_setting_that_is_missing(environment: dict[str, str]) -> None:
    del environment["ORION_DATABASE_URL"]
    assert_refused(environment, "ORION_DATABASE_URL is not set")


def test_production_without_tls(environment: dict[str, str]) -> None:
    assert_refused(environment | {"ORION_ENV": "production"}, "ORION_BASE_URL must start with https://")


def test_with_everything_right_it_serves(environment: dict[str, str]) -> None:
    port = free_port()
    process = start(environment, port)
    try:
        wait_for(lambda: is_ready(port), what="ready")
    finally:
        process.terminate()
        assert process.wait(timeout=20) in (0, -15)
