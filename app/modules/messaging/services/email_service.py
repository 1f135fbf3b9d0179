"""Sending one mail: rendered, logged, handed to the provider. A message that was sent is never sent again."""

import dataclasses
import uuid
from collections.abc import Mapping

from app.core.config import get_settings
from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id
from app.core.observability import MAILS
from app.modules.messaging.domain.addressee import Addressee
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.domain.message import build_mail
from app.modules.messaging.domain.template import PLATFORM_NAME, render
from app.modules.messaging.errors import PermanentFailure, TemporaryFailure
from app.modules.messaging.queries import mails
from app.modules.messaging.services import template_service
from app.modules.messaging.services.providers import MailProvider, get_provider


@dataclasses.dataclass(frozen=True, slots=True)
class EmailService:
    """Sends mails within a unit of work. `provider` is the one that the settings name, unless given."""

    ctx: Ctx | PlatformCtx
    provider: MailProvider | None = None

    async def send_template(self, code: str, to: Addressee, variables: Mapping[str, str], *, message_id: uuid.UUID) -> MailState:
        """Send the mail `code` to `to` in their language and return its state: SENT, also when it had been sent before.

        `message_id` is the outbox row's id: log row and Message-ID rest on it, so that every try is the same mail. Somebody
        without an address gets none (SUPPRESSED). Raises TemplateVariableException when values and template do not fit,
        TemporaryFailure for another try later, and PermanentFailure when the receiving side refused for good; the log keeps the
        outcome of the latter two.
        """
        if to.email is None:
            return await self.suppress(code, to, message_id=message_id, reason="no_address")
        rendered = render(template_service.get_template(code, to.locale), variables)
        mail_id = await self._claim(message_id, code, to)
        if mail_id is None:
            return MailState.SENT
        provider_name: str | None = None
        try:
            mail = build_mail(
                rendered,
                outbox_id=message_id,
                mail_from=get_settings().mail_from,
                display_name=variables.get("merchant_name", PLATFORM_NAME),
                recipient=to.email,
                locale=to.locale,
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

    async def suppress(self, code: str, to: Addressee, *, message_id: uuid.UUID, reason: str) -> MailState:
        """Note that the mail is not sent, for a `reason` that no further try will change."""
        mail_id = await self._claim(message_id, code, to)
        if mail_id is None:
            return MailState.SENT
        await self._settle(mail_id, MailState.SUPPRESSED, None, error=reason)
        return MailState.SUPPRESSED

    async def _claim(self, message_id: uuid.UUID, code: str, to: Addressee) -> uuid.UUID | None:
        """Take the log's row for this try and return its id, or None when the mail was sent."""
        ctx = self.ctx
        merchant_id = ctx.merchant_id if isinstance(ctx, Ctx) else None
        values = (merchant_id, new_id(), message_id, code, to.locale, to.customer_id, to.user_id, to.email, ctx.now)
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
        values = (mail_id, str(state), provider, provider_message_id, error, sent_at)
        await self.ctx.conn.execute(mails.SETTLE, *values)
        MAILS.labels(str(state)).inc()
