"""Sending one mail: rendered, logged, handed to the provider. A message that was sent is never sent again."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping

from app.core.config import get_settings
from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id
from app.core.observability import MAILS
from app.modules.customers import public as customers
from app.modules.messaging.domain.copy import allowed_variables
from app.modules.messaging.domain.delivery import Delivery
from app.modules.messaging.domain.enums import MailCategory, MailState
from app.modules.messaging.domain.message import OutgoingMail, build_mail
from app.modules.messaging.domain.template import PLATFORM_NAME, MailTemplate, RenderedMail, render
from app.modules.messaging.errors import PermanentFailure, TemporaryFailure, UnknownTemplateException
from app.modules.messaging.queries import mails
from app.modules.messaging.services import delivery_gate, links, suppression_service
from app.modules.messaging.services.providers import MailProvider, get_provider

TEST_MARK = "[Test]"  # the same word in all our languages


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What one try works with: the mail as the log knows it, its template for this merchant, and why it is sent."""

    mail_id: uuid.UUID | None
    template: MailTemplate
    category: MailCategory


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """What is handed over, before it is put into the form of the wire."""

    rendered: RenderedMail
    message_id: uuid.UUID
    recipient: str
    locale: str
    display_name: str
    headers: Mapping[str, str]
    is_marketing: bool
    customer_id: uuid.UUID | None

    def build(self, sent_at: dt.datetime) -> OutgoingMail:
        """Return the finished mail; ValueError when the address cannot stand in a header."""
        return build_mail(
            self.rendered,
            outbox_id=self.message_id,
            mail_from=get_settings().mail_from,
            display_name=self.display_name,
            recipient=self.recipient,
            locale=self.locale,
            sent_at=sent_at,
            headers=self.headers,
            is_marketing=self.is_marketing,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class EmailService:
    """Sends mails within a unit of work. `provider` is the one that the settings name, unless given."""

    ctx: Ctx | PlatformCtx
    provider: MailProvider | None = None

    async def send_template(
        self,
        code: str,
        locale: str,
        recipient: str | None,
        variables: Mapping[str, str],
        *,
        message_id: uuid.UUID,
        customer_id: uuid.UUID | None = None,
        user_id: uuid.UUID | None = None,
        is_test: bool = False,
    ) -> MailState:
        """Send the mail `code` in `locale` to the address `recipient`; return its state: SENT, also when it had been sent before.

        The merchant's own version of the template counts, else the platform's. `message_id` is the outbox row's id: log row and
        Message-ID rest on it, so that every try is the same mail. The mail is about `customer_id` or `user_id`, one of them.
        SUPPRESSED: there is no address, or it bounced or complained, or the customer does not want mails of this category, asked
        now and not when the mail was wished for. Raises UnknownTemplateException, TemplateVariableException when values and
        template do not fit, TemporaryFailure for another try later, and PermanentFailure when the receiving side refused for
        good; the log keeps the outcome of the latter two, and the list of suppressed addresses a bad one.
        """
        if recipient is None:
            return await self.suppress(code, locale, message_id=message_id, reason="no_address", customer_id=customer_id, user_id=user_id)
        claim = await self._claim(code, locale, recipient, message_id, customer_id, user_id, is_test=is_test)
        if claim.mail_id is None:
            return MailState.SENT
        # A test goes to whoever asked for it, and says nothing of a customer's wishes.
        category = MailCategory.SERVICE if is_test else claim.category
        obstacle = await delivery_gate.find_obstacle(self.ctx, recipient=recipient, customer_id=customer_id, category=category)
        if obstacle is not None:
            await self._settle(claim.mail_id, MailState.SUPPRESSED, None, error=obstacle, customer_id=customer_id)
            return MailState.SUPPRESSED
        rendered = render(claim.template, {**variables, **self._choices(category, customer_id)})
        if is_test:
            rendered = dataclasses.replace(rendered, subject=f"{TEST_MARK} {rendered.subject}")
        mail = _Mail(
            rendered=rendered,
            message_id=message_id,
            recipient=recipient,
            locale=locale,
            display_name=variables.get("merchant_name", PLATFORM_NAME),
            headers=links.unsubscribe_headers(self.ctx, customer_id, category) if isinstance(self.ctx, Ctx) else {},
            is_marketing=category is MailCategory.MARKETING,
            customer_id=customer_id,
        )
        return await self._send(claim.mail_id, mail)

    async def suppress(
        self,
        code: str,
        locale: str,
        *,
        message_id: uuid.UUID,
        reason: str,
        recipient: str | None = None,
        customer_id: uuid.UUID | None = None,
        user_id: uuid.UUID | None = None,
    ) -> MailState:
        """Note that the mail is not sent, for a `reason` that no further try will change."""
        values = self._log_values(code, locale, recipient, message_id, customer_id, user_id, is_test=False)
        mail_id: uuid.UUID | None = await self.ctx.conn.fetchval(mails.CLAIM, *values)
        if mail_id is None:
            return MailState.SENT
        await self._settle(mail_id, MailState.SUPPRESSED, None, error=reason, customer_id=customer_id)
        return MailState.SUPPRESSED

    def _choices(self, category: MailCategory, customer_id: uuid.UUID | None) -> dict[str, str]:
        """Return the links at the foot of a mail that its reader can switch off."""
        ctx = self.ctx
        if not isinstance(ctx, Ctx) or customer_id is None or not category.can_be_switched_off:
            return {}
        return {
            "unsubscribe_link": links.unsubscribe_link(ctx, customer_id, category),
            "preferences_link": links.preferences_link(ctx, customer_id),
        }

    async def _send(self, mail_id: uuid.UUID, mail: _Mail) -> MailState:
        """Hand the mail over and log what came of it."""
        provider_name: str | None = None
        try:
            built = mail.build(self.ctx.now)
            provider = self.provider or get_provider()
            provider_name = provider.name
            answer = await provider.send(built)
        except TemporaryFailure as failure:
            await self._settle(mail_id, MailState.QUEUED, provider_name, error=failure.reason, customer_id=mail.customer_id)
            raise
        except PermanentFailure as failure:
            await self._settle(mail_id, MailState.FAILED, provider_name, error=failure.reason, customer_id=mail.customer_id)
            if failure.bounce is not None:
                await self._note_bounce(mail_id, failure.bounce, mail.recipient)
            raise
        except ValueError as error:  # an address that passed our form and still cannot stand in a header
            await self._settle(mail_id, MailState.FAILED, provider_name, error="bad_address", customer_id=mail.customer_id)
            raise PermanentFailure("bad_address") from error
        await self._settle(mail_id, MailState.SENT, provider_name, provider_message_id=answer, customer_id=mail.customer_id)
        return MailState.SENT

    async def _note_bounce(self, mail_id: uuid.UUID, bounce: str, recipient: str) -> None:
        merchant_id = self.ctx.merchant_id if isinstance(self.ctx, Ctx) else None
        await suppression_service.note_failure(self.ctx, Delivery(bounce), mail_id=mail_id, merchant_id=merchant_id, email=recipient)

    async def _claim(
        self,
        code: str,
        locale: str,
        recipient: str,
        message_id: uuid.UUID,
        customer_id: uuid.UUID | None,
        user_id: uuid.UUID | None,
        *,
        is_test: bool,
    ) -> _Claim:
        """Take the log's row for this try and read the template; without an id when the mail was sent."""
        values = self._log_values(code, locale, recipient, message_id, customer_id, user_id, is_test=is_test)
        row = await self.ctx.conn.fetchrow(mails.CLAIM_AND_READ, *values)
        if row is None:
            raise UnknownTemplateException
        category = MailCategory(row["category"])
        template = MailTemplate(
            code=code,
            locale=locale,
            subject=row["subject"],
            html=row["html"],
            text=row["text"],
            variables=allowed_variables(row["variables"], sender=row["sender"], category=category),
        )
        return _Claim(mail_id=row["mail_id"], template=template, category=category)

    def _log_values(
        self,
        code: str,
        locale: str,
        recipient: str | None,
        message_id: uuid.UUID,
        customer_id: uuid.UUID | None,
        user_id: uuid.UUID | None,
        *,
        is_test: bool,
    ) -> tuple[object, ...]:
        ctx = self.ctx
        merchant_id = ctx.merchant_id if isinstance(ctx, Ctx) else None
        return (merchant_id, new_id(), message_id, code, locale, customer_id, user_id, recipient, ctx.now, is_test)

    async def _settle(
        self,
        mail_id: uuid.UUID,
        state: MailState,
        provider: str | None,
        *,
        provider_message_id: str | None = None,
        error: str | None = None,
        customer_id: uuid.UUID | None,
    ) -> None:
        """Note the outcome; nothing of a person who was erased while the mail was on its way (or who may be, at this moment)."""
        sent_at = self.ctx.now if state is MailState.SENT else None
        is_present = customer_id is None or not isinstance(self.ctx, Ctx) or await customers.hold_present(self.ctx, customer_id)
        values = (mail_id, str(state), provider, provider_message_id, error, sent_at, is_present)
        await self.ctx.conn.execute(mails.SETTLE, *values)
        MAILS.labels(str(state)).inc()
