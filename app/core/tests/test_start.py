"""What the platform refuses to start with, and says how to fix (reliability.md, case 53)."""

from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.core.config import ConfigurationError, Settings, read_key
from app.core.db.engine import Database
from app.core.db.role import role_fault
from app.core.testing import application
from app.core.testing.databases import DatabaseUrls
from app.core.tests.probe import PROBE


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = application.write_key(tmp_path / "secret")
    assert len(read_key(key, "ORION_SECRET_KEY_FILE")) == 64
    key.chmod(0o644)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {key}"):
        read_key(key, "ORION_SECRET_KEY_FILE")


@pytest.mark.parametrize("text", ["", "short", "a" * 64, "please-change-me-please-change-me-0123456789"])
def test_a_default_or_short_secret_is_refused(tmp_path: Path, text: str) -> None:
    key = tmp_path / "secret"
    key.write_text(text)
    key.chmod(0o600)
    with pytest.raises(ConfigurationError, match="head -c 32 /dev/urandom"):
        read_key(key, "ORION_SECRET_KEY_FILE")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ORION_PIN_PEPPER_FILE"):
        read_key(tmp_path / "nowhere", "ORION_PIN_PEPPER_FILE")


async def test_the_right_role_is_accepted(database: Database) -> None:
    assert await role_fault(database) is None


@pytest.mark.parametrize(("role", "words"), [("superuser", "Connect as orion_app"), ("owner", "owns tables")])
async def test_a_role_that_sees_too_much_is_refused(settings: Settings, database_urls: DatabaseUrls, role: str, words: str) -> None:
    wrong = settings.model_copy(update={"database_url": SecretStr(getattr(database_urls, role))})
    with pytest.raises(ConfigurationError, match=words):
        async with application.running_routes(wrong, PROBE):
            pass


async def test_acknowledged_work_must_be_on_disk(settings: Settings, superuser: asyncpg.Connection) -> None:
    name = await superuser.fetchval("SELECT current_database()")
    await superuser.execute(f'ALTER ROLE orion_app IN DATABASE "{name}" SET synchronous_commit = off')
    hasty = Database.from_settings(settings)
    try:
        assert "synchronous_commit" in (await role_fault(hasty) or "")
    finally:
        await superuser.execute(f'ALTER ROLE orion_app IN DATABASE "{name}" RESET synchronous_commit')
        await hasty.dispose()


async def test_a_database_that_is_away_only_delays_readiness(settings: Settings, database_urls: DatabaseUrls) -> None:
    away = settings.model_copy(update={"database_url": SecretStr(database_urls.app.replace("host=", "host=/nowhere"))})
    async with application.running_routes(away, PROBE) as gate, application.make_client(gate) as client:
        assert (await client.get("/livez")).status_code == 200
        not_ready = await client.get("/readyz")
        assert (not_ready.status_code, not_ready.headers["retry-after"]) == (503, "2")
