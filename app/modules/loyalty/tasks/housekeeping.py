"""What loyalty keeps for a time and no longer."""

import datetime as dt

from app.core.context import PlatformCtx
from app.core.tasks.housekeeping import clear

KEEP_GREETINGS = dt.timedelta(days=731)
"""Two years: what a greeting guards against, a second one in the same year, is long over."""

DELETE_GREETINGS = """
DELETE FROM loyalty_birthday_greetings USING (
    SELECT merchant_id, customer_id, year FROM loyalty_birthday_greetings WHERE created_at < $1 LIMIT $2) old
WHERE loyalty_birthday_greetings.merchant_id = old.merchant_id AND loyalty_birthday_greetings.customer_id = old.customer_id
  AND loyalty_birthday_greetings.year = old.year
"""


async def forget_greetings(ctx: PlatformCtx) -> None:
    """Delete birthday greetings after two years."""
    await clear(ctx, "loyalty.forget_greetings", (DELETE_GREETINGS, KEEP_GREETINGS))
