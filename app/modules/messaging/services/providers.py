"""Ways out for a mail, behind one interface. The settings choose: an SMTP server (in a demo its own mailbox), or Postmark's API."""

import functools
from typing import Protocol
from urllib.parse import urlsplit

from app.core.config import ConfigurationError, get_settings
from app.modules.messaging.domain.message import OutgoingMail
from app.modules.messaging.errors import TemporaryFailure
from app.modules.messaging.services.postmark_provider import PostmarkProvider
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
    if settings.mail_provider == "postmark":
        try:
            token = settings.mail_api_token
        except ConfigurationError as error:
            raise TemporaryFailure("api_not_configured") from error
        return _postmark_provider(settings.mail_api_url, token, settings.mail_api_stream, settings.mail_api_marketing_stream)
    url = settings.smtp_url
    if url is None:
        raise TemporaryFailure("smtp_not_configured")
    return _smtp_provider(url.get_secret_value(), urlsplit(settings.base_url).hostname or "localhost")


@functools.lru_cache(maxsize=4)
def _smtp_provider(url: str, own_host: str) -> SmtpProvider:
    return SmtpProvider(url, own_host=own_host)


@functools.lru_cache(maxsize=4)
def _postmark_provider(url: str, token: str, stream: str, marketing_stream: str) -> PostmarkProvider:
    return PostmarkProvider(url, token, stream=stream, marketing_stream=marketing_stream)
