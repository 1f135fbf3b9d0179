"""The row locks of this module. Order everywhere: merchant's enrollment lock, customer, cards (domain.md, Identity)."""

import uuid

from app.core.context import Ctx
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.errors import CustomerAnonymizedException, CustomerNotFoundException
from app.modules.customers.queries.customers import COLUMNS, to_record

# NO KEY: rivals for this lock wait for each other, rows that only refer to the customer (a mail being sent, for as long as the
# mail server takes) hold nobody up.
LOCK = f"SELECT {COLUMNS} FROM customers WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE"


async def lock_customer(ctx: Ctx, customer_id: uuid.UUID) -> CustomerRecord:
    """Lock the customer's row until the transaction ends and return it as it is now.

    CustomerNotFoundException for an unknown or another merchant's id, CustomerAnonymizedException for an erased person.
    """
    row = await ctx.conn.fetchrow(LOCK, ctx.merchant_id, customer_id)
    if row is None:
        raise CustomerNotFoundException
    customer = to_record(row)
    if customer.is_anonymized:
        raise CustomerAnonymizedException
    return customer
