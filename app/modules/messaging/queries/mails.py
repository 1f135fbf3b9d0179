"""The log of mails."""

import uuid

from app.core.context import Ctx
from app.modules.messaging.domain.enums import MailState

FIND_STATE = "SELECT state FROM messaging_mails WHERE merchant_id = $1 AND outbox_id = $2"

# The row is the fence: a second worker with the same message waits here, and finds no row to take once the mail is sent.
# What failed for good is taken up again only when somebody orders it, by reviving the outbox row.
CLAIM = """
INSERT INTO messaging_mails (merchant_id, id, outbox_id, template, locale, customer_id, recipient, state, attempts, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', 1, $8)
ON CONFLICT (merchant_id, outbox_id) DO UPDATE
SET attempts = messaging_mails.attempts + 1, locale = excluded.locale, recipient = excluded.recipient, state = 'queued', error = NULL
WHERE messaging_mails.state <> 'sent'
RETURNING id
"""
SETTLE = """
UPDATE messaging_mails SET state = $3, provider = $4, provider_message_id = $5, error = $6, sent_at = $7
WHERE merchant_id = $1 AND id = $2
"""


async def find_state(ctx: Ctx, outbox_id: uuid.UUID) -> MailState | None:
    """Return what became of the mail for this outbox message, or None when no try was made."""
    state = await ctx.conn.fetchval(FIND_STATE, ctx.merchant_id, outbox_id)
    return MailState(state) if state else None
