"""What is kept of customers for a time and no longer."""

import datetime as dt

from app.core.context import PlatformCtx
from app.core.tasks.housekeeping import clear

KEEP_LINKS = dt.timedelta(days=7)
NO_LONGER = dt.timedelta()

DELETE_LINKS = """
DELETE FROM customer_login_links USING (
    SELECT merchant_id, id FROM customer_login_links WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) old
WHERE customer_login_links.merchant_id = old.merchant_id AND customer_login_links.id = old.id
"""
# A day later than it must be: the merchant's day may begin after ours.
DELETE_GUARDS = """
DELETE FROM customer_returning_guards USING (
    SELECT merchant_id, id FROM customer_returning_guards WHERE guarded_until < ($1::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY guarded_until LIMIT $2) old
WHERE customer_returning_guards.merchant_id = old.merchant_id AND customer_returning_guards.id = old.id
"""


async def forget_people(ctx: PlatformCtx) -> None:
    """Delete mailed links a week after they ran out, and the fingerprints of erased people after their 12 months."""
    await clear(ctx, "customers.forget_people", (DELETE_LINKS, KEEP_LINKS), (DELETE_GUARDS, NO_LONGER))
