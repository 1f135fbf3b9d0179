"""Mails in the platform's panel: the log of all that were sent, and the standard of each. They only read."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.i18n import N_, Locale, _
from app.core.web import pages
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.lists import Age, page_links
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.queries import templates
from app.modules.messaging.routes.pages._frame import category_names, editor_values, mail_html, with_frame
from app.modules.messaging.schemas.templates import Code
from app.modules.messaging.services import mail_log_service, template_editor
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/admin/mails", tags=["Messaging - Admin pages"], include_in_schema=False)
LOG: Any = access("admin", "messaging.log.view")
EDIT: Any = access("admin", "messaging.template.manage")
OfMerchant = Annotated[uuid.UUID | Literal[""], Query()]
Search = Annotated[OptionalLine, Query()]
State = Annotated[Literal["", "queued", "sent", "failed", "suppressed"], Query(alias="state")]
STATE_NAMES = {
    MailState.SENT: N_("Sent"),
    MailState.QUEUED: N_("Tried again"),
    MailState.FAILED: N_("Failed"),
    MailState.SUPPRESSED: N_("Not sent"),
}


def show(request: Request, ctx: PlatformCtx, template: str, **values: Any) -> Response:
    """Return a page of the panel."""
    return pages.render(request, f"messaging/admin/{template}.html", ctx=ctx, face="admin", **values)


@router.get("", summary="The log of mails")
async def list_log(
    request: Request,
    ctx: PlatformCtx = LOG,
    q: Search = "",
    state: State = "",
    merchant: OfMerchant = "",
    sort: Age = "-created",
    cursor: Cursor | None = None,
) -> Response:
    """Show what became of every mail, newest first; search, filters and page are in the address, addresses are masked."""
    page = await mail_log_service.list_mails(
        ctx, text=q, state=MailState(state) if state else None, merchant_id=merchant or None, sort=sort, cursor=cursor
    )
    shown = {mail.merchant_id for mail in page.items} | {merchant or None}
    return show(
        request,
        ctx,
        "log",
        rows=page.items,
        q=q,
        sort=sort,
        only=state,
        state_names={name.value: _(label) for name, label in STATE_NAMES.items()},
        merchant_names=await tenancy.find_merchant_names(ctx, {merchant_id for merchant_id in shown if merchant_id}),
        merchant_id=merchant or None,
        **page_links(request, page),
    )


@router.get("/templates", summary="The standard of all mails")
async def list_templates(request: Request, ctx: PlatformCtx = EDIT) -> Response:
    """Show every mail, what causes it, and in which languages it is no longer as it was delivered."""
    return show(request, ctx, "templates", rows=await templates.list_templates(ctx), category_names=category_names())


@router.get("/templates/{code}/{locale}", summary="One mail")
async def edit_template(request: Request, code: Code, locale: Locale, ctx: PlatformCtx = EDIT) -> Response:
    """Show the sentences of a mail in one language beside what they make."""
    stored = await template_editor.get_template(ctx, code, locale)
    preview = await template_editor.preview(ctx, code, locale)
    return with_frame(show(request, ctx, "template", **editor_values(stored, preview)))


@router.get("/templates/{code}/{locale}/preview", summary="One mail as it looks")
async def preview_template(code: Code, locale: Locale, ctx: PlatformCtx = EDIT) -> Response:
    """Return the mail's HTML with sample values."""
    return mail_html(await template_editor.preview(ctx, code, locale))
