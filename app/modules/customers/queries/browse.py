"""The merchant's people as a list, by name or by when they came: ranges of an index in either direction.

Ids are made when a person is registered and grow with time, so the order of registration is that of the primary key.
"""

import enum
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence

from app.core.context import Ctx
from app.core.db.lists import Key, Order, Where, read_page, read_sifted_page, reverse, sift_by
from app.core.pagination import Page
from app.modules.customers.domain.customer import CustomerRecord
from app.modules.customers.queries.customers import list_customers_by_ids

SELECT = "SELECT id, last_name_search, first_name_search FROM customers"

Sift = Callable[[Sequence[uuid.UUID]], Awaitable[Collection[uuid.UUID]]]
"""Returns those of some customers whom the caller wants to see."""


class CustomerOrder(enum.StrEnum):
    """How a list of people is sorted; with a minus from the other end."""

    NEWEST = "-created"
    OLDEST = "created"
    NAME = "name"
    NAME_BACK = "-name"


BY_AGE = Order((Key("id", "id", uuid.UUID),))
BY_NAME = Order((Key("last_name_search", "last_name_search"), Key("first_name_search", "first_name_search"), Key("id", "id", uuid.UUID)))
ORDERS = {
    CustomerOrder.NEWEST: reverse(BY_AGE),
    CustomerOrder.OLDEST: BY_AGE,
    CustomerOrder.NAME: BY_NAME,
    CustomerOrder.NAME_BACK: reverse(BY_NAME),
}


async def list_customers(
    ctx: Ctx, *, order: CustomerOrder, cursor: str | None = None, limit: int = 25, sift: Sift | None = None
) -> Page[CustomerRecord]:
    """Return a page of the merchant's live customers. With `sift`, which no index serves, a page may be short though more follow.

    BadCursor for a cursor of another order.
    """
    where = Where().add("merchant_id = ? AND anonymized_at IS NULL", ctx.merchant_id)
    if sift is None:
        page = await read_page(ctx.conn, SELECT, where, ORDERS[order], cursor=cursor, limit=limit)
    else:
        page = await read_sifted_page(ctx.conn, SELECT, where, ORDERS[order], sift=sift_by("id", sift), cursor=cursor, limit=limit)
    people = await list_customers_by_ids(ctx, [row["id"] for row in page.items])
    return Page([people[row["id"]] for row in page.items], page.next_cursor, page.previous_cursor)
