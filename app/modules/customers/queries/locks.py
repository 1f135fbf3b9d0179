"""The row locks of this module. Order everywhere: merchant's enrollment lock, customer, cards (domain.md, Identity)."""

import uuid
from collections.abc import Sequence

from app.core.context import Ctx
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.errors import CustomerAnonymizedException, CustomerNotFoundException
from app.modules.customers.queries.customers import COLUMNS, FIND_BY_ADDRESSES, to_record

# NO KEY: rivals for this lock wait for each other, rows that only refer to the customer (a mail being sent, for as long as the
# mail server takes) hold nobody up.
LOCK = f"SELECT {COLUMNS} FROM customers WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE"
LOCK_BY_ADDRESSES = f"{FIND_BY_ADDRESSES} ORDER BY id FOR NO KEY UPDATE"

# Waits for nobody: a row that somebody holds is as good as erased for whoever only wants to know.
HOLD_PRESENT = "SELECT 1 FROM customers WHERE merchant_id = $1 AND id = $2 AND anonymized_at IS NULL FOR SHARE SKIP LOCKED"


async def lock_row(ctx: Ctx, customer_id: uuid.UUID) -> CustomerRecord:
    """Lock the customer's row, erased or not, and return it as it is now; CustomerNotFoundException when there is none."""
    row = await ctx.conn.fetchrow(LOCK, ctx.merchant_id, customer_id)
    if row is None:
        raise CustomerNotFoundException
    return to_record(row)


async def hold_present(ctx: Ctx, customer_id: uuid.UUID) -> bool:
    """Keep the customer from being erased until the transaction ends; False when they are erased, being erased, or just held."""
    return await ctx.conn.fetchval(HOLD_PRESENT, ctx.merchant_id, customer_id) is not None


async def lock_customer(ctx: Ctx, customer_id: uuid.UUID) -> CustomerRecord:
    """Lock the customer's row until the transaction ends and return it as it is now.

    CustomerNotFoundException for an unknown or another merchant's id, CustomerAnonymizedException for an erased person.
    """
    customer = await lock_row(ctx, customer_id)
    if customer.is_anonymized:
        raise CustomerAnonymizedException
    return customer


async def lock_by_addresses(ctx: Ctx, addresses: Sequence[str]) -> dict[str, uuid.UUID]:
    """Lock the live customers who have one of `addresses` (as they are compared), by id; return their ids by address."""
    return {row["email_normalized"]: row["id"] for row in await ctx.conn.fetch(LOCK_BY_ADDRESSES, ctx.merchant_id, list(addresses))}
