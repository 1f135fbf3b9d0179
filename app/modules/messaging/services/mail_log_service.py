"""The log of mails as the platform's admin searches it."""

import uuid

from app.core.context import PlatformCtx
from app.core.pagination import Page
from app.modules.customers import public as customers
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.queries import mail_log
from app.modules.messaging.queries.mail_log import LoggedMail, Recipients
from app.modules.tenancy import public as tenancy

MOST_PEOPLE = 50
"""Customers whose mails one search looks at; more of the address finds others."""


async def list_mails(
    ctx: PlatformCtx,
    *,
    text: str = "",
    state: MailState | None = None,
    merchant_id: uuid.UUID | None = None,
    sort: str = "-created",
    cursor: str | None = None,
) -> Page[LoggedMail]:
    """Return a page of the log, in the order `sort`; with `text` mails to customers whose address begins so, and to the user who has it.

    Somebody erased is not found: their mails name nobody. Raises BadCursor.
    """
    to = await _find_people(ctx, text, merchant_id) if text else None
    return await mail_log.list_mails(ctx, to=to, state=state, merchant_id=merchant_id, sort=sort, cursor=cursor)


async def _find_people(ctx: PlatformCtx, text: str, merchant_id: uuid.UUID | None) -> Recipients:
    merchant_ids = await tenancy.list_merchant_ids(ctx) if merchant_id is None else [merchant_id]
    found = await customers.find_by_email_everywhere(ctx, text, merchant_ids=merchant_ids, limit=MOST_PEOPLE)
    user_id = await tenancy.find_user_id(ctx, text)
    return Recipients([merchant for merchant, _ in found], [person.id for _, person in found], [user_id] if user_id else [])
