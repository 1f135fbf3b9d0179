"""What `orion doctor` says of the mail provider, against a real server."""

import asyncio
from pathlib import Path

import pytest

from app.core.config import Settings
from app.modules.messaging.tests.postmark_server import TOKEN, postmark_server
from app.ops import doctor


def key_file(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


async def test_the_api_is_asked_with_the_token(tmp_path: Path) -> None:
    async with postmark_server() as server:
        common = {"env": "test", "mail_provider": "postmark", "mail_api_url": server.url}
        right = key_file(tmp_path / "token", TOKEN)
        wrong = key_file(tmp_path / "other", "00112233-4455-6677-8899-aabbccddeeff")
        for files, state, words in (
            ({"mail_api_token_file": right}, "ok", "bounces stay unknown"),
            ({"mail_api_token_file": right, "mail_webhook_secret_file": right}, "ok", "takes the token"),
            ({"mail_api_token_file": wrong}, "failed", "answers 401"),
            ({}, "failed", "ORION_MAIL_API_TOKEN_FILE is not set"),
        ):
            found = await asyncio.to_thread(doctor.examine_mail, Settings.model_validate(common | files))
            assert (found.state, words in found.note) == (state, True), found
            assert TOKEN not in found.note


@pytest.mark.parametrize("provider", ["smtp", "postmark"])
def test_nobody_there_is_a_finding(provider: str, tmp_path: Path) -> None:
    token = key_file(tmp_path / "token", TOKEN)
    settings = Settings.model_validate(
        {
            "env": "test",
            "mail_provider": provider,
            "mail_api_url": "http://127.0.0.1:9",
            "smtp_url": "smtp://127.0.0.1:9",
            "mail_api_token_file": token,
        }
    )
    assert doctor.examine_mail(settings).state == "failed"
