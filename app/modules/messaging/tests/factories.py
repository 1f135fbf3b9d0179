"""For the tests of modules that send mails: a real mail server on the loopback."""

import uuid

from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.messaging.domain.delivery import Delivery
from app.modules.messaging.queries import delivery
from app.modules.messaging.services import suppression_service
from app.modules.messaging.tests.smtp_server import MailServer, chosen_mail_server, mail_server

__all__ = ["MailServer", "chosen_mail_server", "mail_server"]

SENT = """
INSERT INTO email_logs (merchant_id, id, outbox_id, template, locale, customer_id, recipient, state, attempts, provider,
                        provider_message_id, created_at, sent_at)
VALUES ($1, $2, $3, 'loyalty_enrollment', 'de', $4, $5, 'sent', 1, 'smtp', $6, $7, $7)
"""


async def leave_mails(ctx: Ctx, customer_id: uuid.UUID, email: str) -> None:
    """Leave what mails to a customer leave: a line of the log, a choice, and one that came back."""
    await ctx.conn.execute(SENT, ctx.merchant_id, new_id(), new_id(), customer_id, email, f"250 delivered to {email}", ctx.now)
    await delivery.set_opt_out(ctx, customer_id, "reminder", is_out=True)
    await suppression_service.note_failure(ctx, Delivery.SOFT_BOUNCE, mail_id=new_id(), merchant_id=ctx.merchant_id, email=email)
