"""The log of mails as the platform's admin reads it, newest first."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from app.core import pagination
from app.core.context import Ctx, PlatformCtx
from app.core.db.lists import Where, choose, newest_first, read_page, reverse
from app.core.pagination import Page
from app.modules.messaging.domain.delivery import mask_email
from app.modules.messaging.domain.enums import MailState

LIST = """
SELECT l.id, l.created_at, l.merchant_id, l.template, t.title, l.locale, l.recipient, l.state, l.attempts, l.provider, l.error,
       l.delivery, l.is_test
FROM email_logs l LEFT JOIN email_templates t ON t.code = l.template AND t.locale = $1
"""

TO = "(l.merchant_id = ANY(?::uuid[]) AND l.customer_id = ANY(?::uuid[]) OR l.user_id = ANY(?::uuid[]))"
ORDERS = {"created": reverse(newest_first("l"))}
OF_CUSTOMER = """
SELECT l.id, l.created_at, t.title, l.template, l.locale, l.state, l.delivery
FROM email_logs l LEFT JOIN email_templates t ON t.code = l.template AND t.locale = $1
WHERE l.merchant_id = $2 AND l.customer_id = $3 AND NOT l.is_test
ORDER BY l.created_at DESC, l.id DESC LIMIT $4
"""
WHOLE_OF_CUSTOMER = """
SELECT created_at, template, locale, recipient, state, sent_at, delivery, delivery_at FROM email_logs
WHERE merchant_id = $1 AND customer_id = $2 ORDER BY created_at, id
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMail:
    """A mail to a customer as the merchant reads of it: which, when, and whether it arrived; never what stood in it."""

    id: uuid.UUID
    created_at: dt.datetime
    title: str
    locale: str
    state: MailState
    delivery: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoggedMail:
    """One mail: `recipient` is masked, None when nobody was written to; `title` is the template's, in the reader's language."""

    id: uuid.UUID
    created_at: dt.datetime
    merchant_id: uuid.UUID | None
    template: str
    title: str
    locale: str
    recipient: str | None
    state: MailState
    attempts: int
    provider: str | None
    error: str | None
    delivery: str | None
    is_test: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Recipients:
    """Customers, with a merchant for each, and users."""

    merchant_ids: Sequence[uuid.UUID]
    customer_ids: Sequence[uuid.UUID]
    user_ids: Sequence[uuid.UUID]


async def list_mails(
    ctx: PlatformCtx,
    *,
    to: Recipients | None = None,
    state: MailState | None = None,
    merchant_id: uuid.UUID | None = None,
    sort: str = "-created",
    cursor: str | None = None,
    limit: int = pagination.DEFAULT_PAGE,
) -> Page[LoggedMail]:
    """Return a page of the log, only mails `to` some, in `state` and of a merchant if these are given; BadCursor for a cursor that is not
    ours."""
    where = Where(values=[ctx.locale])  # $1 is in the statement already
    where.add_equal(**{"l.state": state and str(state), "l.merchant_id": merchant_id})
    if to is not None:
        where.add(TO, to.merchant_ids, to.customer_ids, to.user_ids)
    page = await read_page(ctx.conn, LIST, where, choose(ORDERS, sort), cursor=cursor, limit=limit)
    found = []
    for row in page.items:
        values = dict(row)
        recipient = mask_email(row["recipient"]) if row["recipient"] else None
        changes = {"title": row["title"] or row["template"], "recipient": recipient, "state": MailState(row["state"])}
        found.append(LoggedMail(**values | changes))
    return Page(found, page.next_cursor, page.previous_cursor)


async def list_mails_of_customer(ctx: Ctx, customer_id: uuid.UUID, *, limit: int = pagination.DEFAULT_PAGE) -> list[CustomerMail]:
    """Return the last `limit` mails to one of the merchant's customers, the latest first; titles in the reader's language."""
    found = []
    for row in await ctx.conn.fetch(OF_CUSTOMER, ctx.locale, ctx.merchant_id, customer_id, limit):
        values = dict(row)
        template = values.pop("template")
        found.append(CustomerMail(**values | {"title": row["title"] or template, "state": MailState(row["state"])}))
    return found


async def list_whole_log_of_customer(ctx: Ctx, customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return what the log has of mails to the customer, oldest first, for themselves: the address is not masked."""
    return [dict(row) for row in await ctx.conn.fetch(WHOLE_OF_CUSTOMER, ctx.merchant_id, customer_id)]
