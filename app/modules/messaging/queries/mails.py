"""The log of mails. A message of the outbox has one row; those of the platform's own mails have no merchant."""

import uuid

from app.core.context import Ctx, PlatformCtx
from app.modules.messaging.domain.enums import MailState

FIND_STATE = "SELECT state FROM email_logs WHERE outbox_id = $1"

# The row is the fence: a second worker with the same message waits here, and finds no row to take once the mail is sent.
# What failed for good is taken up again only when somebody orders it, by reviving the outbox row.
CLAIM = """
INSERT INTO email_logs
    (merchant_id, id, outbox_id, template, locale, customer_id, user_id, recipient, state, attempts, created_at, is_test)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', 1, $9, $10)
ON CONFLICT (outbox_id) DO UPDATE
SET attempts = email_logs.attempts + 1, locale = excluded.locale, recipient = excluded.recipient, state = 'queued', error = NULL
WHERE email_logs.state <> 'sent'
RETURNING id
"""
# One way to the database instead of two: the row, and the template as it is for this merchant (its own version, else the platform's).
CLAIM_AND_READ = f"""
WITH claimed AS ({CLAIM})
SELECT (SELECT id FROM claimed) AS mail_id, t.category, t.sender, t.variables, coalesce(o.subject, t.subject) AS subject,
       coalesce(o.html, t.html) AS html, coalesce(o.text, t.text) AS text
FROM email_templates t LEFT JOIN email_template_overrides o ON o.merchant_id = $1 AND o.code = t.code AND o.locale = t.locale
WHERE t.code = $4 AND t.locale = $5
"""
SETTLE = """
UPDATE email_logs SET state = $2, provider = $3, provider_message_id = CASE WHEN $7 THEN $4 END, error = $5, sent_at = $6,
    recipient = CASE WHEN $7 THEN recipient END
WHERE id = $1
"""


async def find_state(ctx: Ctx | PlatformCtx, outbox_id: uuid.UUID) -> MailState | None:
    """Return what became of the mail for this outbox message, or None when no try was made."""
    state = await ctx.conn.fetchval(FIND_STATE, outbox_id)
    return MailState(state) if state else None
