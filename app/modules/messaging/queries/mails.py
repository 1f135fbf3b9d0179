"""The log of mails. A message of the outbox has one row; those of the platform's own mails have no merchant."""

import uuid

from app.core.context import Ctx, PlatformCtx
from app.modules.messaging.domain.enums import MailState

FIND_STATE = "SELECT state FROM messaging_mails WHERE outbox_id = $1"

# The row is the fence: a second worker with the same message waits here, and finds no row to take once the mail is sent.
# What failed for good is taken up again only when somebody orders it, by reviving the outbox row.
CLAIM = """
INSERT INTO messaging_mails
    (merchant_id, id, outbox_id, template, locale, customer_id, user_id, recipient, state, attempts, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', 1, $9)
ON CONFLICT (outbox_id) DO UPDATE
SET attempts = messaging_mails.attempts + 1, locale = excluded.locale, recipient = excluded.recipient, state = 'queued', error = NULL
WHERE messaging_mails.state <> 'sent'
RETURNING id
"""
SETTLE = """
UPDATE messaging_mails SET state = $2, provider = $3, provider_message_id = $4, error = $5, sent_at = $6 WHERE id = $1
"""


async def find_state(ctx: Ctx | PlatformCtx, outbox_id: uuid.UUID) -> MailState | None:
    """Return what became of the mail for this outbox message, or None when no try was made."""
    state = await ctx.conn.fetchval(FIND_STATE, outbox_id)
    return MailState(state) if state else None
