"""Ways out for a mail, behind one interface. The settings choose; SMTP is the first."""

import functools
from typing import Protocol
from urllib.parse import urlsplit

from app.core.config import get_settings
from app.modules.messaging.domain.message import OutgoingMail
from app.modules.messaging.errors import TemporaryFailure
from app.modules.messaging.services.smtp_provider import SmtpProvider


class MailProvider(Protocol):
    """Hands a mail over to somebody who delivers it."""

    @property
    def name(self) -> str:
        """The word for this provider in the log of mails."""
        ...

    async def send(self, mail: OutgoingMail) -> str:
        """Hand `mail` over and return the provider's id for it, empty when it gives none.

        Raises TemporaryFailure when another try may succeed, PermanentFailure when none can.
        """
        ...


def get_provider() -> MailProvider:
    """Return the provider that the settings name; TemporaryFailure while none is set up, so that no mail is lost."""
    settings = get_settings()
    url = settings.smtp_url
    if url is None:
        raise TemporaryFailure("smtp_not_configured")
    return _smtp_provider(url.get_secret_value(), urlsplit(settings.base_url).hostname or "localhost")


@functools.lru_cache(maxsize=4)
def _smtp_provider(url: str, own_host: str) -> SmtpProvider:
    return SmtpProvider(url, own_host=own_host)
