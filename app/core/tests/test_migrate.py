"""Migrations give way to traffic and try again (docs/adr/0019-migrations-give-way-early.md)."""

import pytest
from alembic.config import Config
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import text

from app.core.db import migrate
from app.core.db.blocking import run_blocking
from app.core.testing.databases import DatabaseUrls

FAIL = "DO $$ BEGIN RAISE EXCEPTION 'probe' USING ERRCODE = '{}'; END $$"


@pytest.mark.parametrize(("code", "tries"), [("55P03", 3), ("40P01", 3), ("22012", 1)])
def test_a_version_that_is_in_the_way_is_tried_again(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, code: str, tries: int
) -> None:
    monkeypatch.setattr(migrate, "LOCK_PAUSE_SECONDS", 0)
    monkeypatch.setattr(migrate, "LOCK_ATTEMPTS", 3)
    tried: list[Config] = []

    def act(config: Config) -> None:
        tried.append(config)
        config.attributes["connection"].execute(text(FAIL.format(code)))

    with pytest.raises(DBAPIError):
        run_blocking(migrate._migrate(database_urls.owner, act))
    assert len(tried) == tries
    tried.clear()
    run_blocking(migrate._migrate(database_urls.owner, tried.append))
    assert len(tried) == 1
