"""What tests of mails share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.core.config import Settings
from app.core.modules import load_modules
from app.modules.messaging.tests.smtp_server import MailServer, chosen_mail_server


@pytest_asyncio.fixture(loop_scope="session")
async def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    """A mail server that the settings name, and events with their subscribers."""
    load_modules()
    async with chosen_mail_server(settings, monkeypatch) as running:
        yield running
