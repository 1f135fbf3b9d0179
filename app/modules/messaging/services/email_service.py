"""Sending one mail: rendered, logged, handed to the provider. A message that was sent is never sent again."""

import dataclasses
import uuid
from collections.abc import Mapping

from app.core.config import get_settings
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.observability import MAILS
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.domain.message import build_mail
from app.modules.messaging.domain.template import render
from app.modules.messaging.errors import PermanentFailure, TemporaryFailure
from app.modules.messaging.queries import mails
from app.modules.messaging.services import template_service
from app.modules.messaging.services.providers import MailProvider, get_provider


@dataclasses.dataclass(frozen=True, slots=True)
class EmailService:
    """Sends mails within a unit of work. `provider` is the one that the settings name, unless given."""

    ctx: Ctx
    provider: MailProvider | None = None

    async def send_template(
        self,
        code: str,
        locale: str,
        recipient: str,
        variables: Mapping[str, str],
        *,
        message_id: uuid.UUID,
        customer_id: uuid.UUID | None = None,
    ) -> MailState:
        """Send the mail `code` in `locale` to `recipient` and return its state: SENT, also when it had been sent before.

        `message_id` is the outbox row's id: log row and Message-ID rest on it, so that every try is the same mail. Raises
        TemplateVariableException when values and template do not fit, TemporaryFailure for another try later, and
        PermanentFailure when the receiving side refused for good; the log keeps the outcome of the latter two.
        """
        template = template_service.get_template(code, locale)
        rendered = render(template, variables)
        mail_id = await self._claim(message_id, code, locale, recipient, customer_id)
        if mail_id is None:
            return MailState.SENT
        provider_name: str | None = None
        try:
            mail = build_mail(
                rendered,
                outbox_id=message_id,
                mail_from=get_settings().mail_from,
                display_name=variables["merchant_name"],
                recipient=recipient,
                locale=locale,
                sent_at=self.ctx.now,
            )
            provider = self.provider or get_provider()
            provider_name = provider.name
            answer = await provider.send(mail)
        except TemporaryFailure as failure:
            await self._settle(mail_id, MailState.QUEUED, provider_name, error=failure.reason)
            raise
        except PermanentFailure as failure:
            await self._settle(mail_id, MailState.FAILED, provider_name, error=failure.reason)
            raise
        except ValueError as error:  # an address that passed our form and still cannot stand in a header
            await self._settle(mail_id, MailState.FAILED, provider_name, error="bad_address")
            raise PermanentFailure("bad_address") from error
        await self._settle(mail_id, MailState.SENT, provider_name, provider_message_id=answer)
        return MailState.SENT

    async def suppress(self, code: str, locale: str, *, message_id: uuid.UUID, customer_id: uuid.UUID | None, reason: str) -> MailState:
        """Note that the mail is not sent, for a `reason` that no further try will change."""
        mail_id = await self._claim(message_id, code, locale, None, customer_id)
        if mail_id is None:
            return MailState.SENT
        await self._settle(mail_id, MailState.SUPPRESSED, None, error=reason)
        return MailState.SUPPRESSED

    async def _claim(
        self, message_id: uuid.UUID, code: str, locale: str, recipient: str | None, customer_id: uuid.UUID | None
    ) -> uuid.UUID | None:
        """Take the log's row for this try and return its id, or None when the mail was sent."""
        ctx = self.ctx
        values = (ctx.merchant_id, new_id(), message_id, code, locale, customer_id, recipient, ctx.now)
        mail_id: uuid.UUID | None = await ctx.conn.fetchval(mails.CLAIM, *values)
        return mail_id

    async def _settle(
        self,
        mail_id: uuid.UUID,
        state: MailState,
        provider: str | None,
        *,
        provider_message_id: str | None = None,
        error: str | None = None,
    ) -> None:
        sent_at = self.ctx.now if state is MailState.SENT else None
        values = (self.ctx.merchant_id, mail_id, str(state), provider, provider_message_id, error, sent_at)
        await self.ctx.conn.execute(mails.SETTLE, *values)
        MAILS.labels(str(state)).inc()
