"""The mails of a merchant in its panel: what there is, and the sentences of each. They only read; changes go through the API."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.i18n import Locale
from app.core.web import pages
from app.core.web.deps import access
from app.modules.messaging.queries import templates
from app.modules.messaging.routes.pages._frame import category_names, editor_values, mail_html, with_frame
from app.modules.messaging.schemas.templates import Code
from app.modules.messaging.services import template_editor
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants/mails", tags=["Messaging - Merchant pages"], include_in_schema=False)
EDIT: Any = access("merchant", "messaging.template.edit")


async def show(request: Request, ctx: Ctx, template: str, **values: Any) -> Response:
    """Return a page of the panel with the frame around it."""
    panel = await tenancy.get_panel(ctx)
    return pages.render(request, f"messaging/merchant/{template}.html", ctx=ctx, face="merchant", **panel.values() | values)


@router.get("", summary="The mails in the merchant's name")
async def list_mails(request: Request, ctx: Ctx = EDIT) -> Response:
    """Show every mail, what causes it, and in which languages it has the merchant's own words."""
    rows = await templates.list_templates(ctx)
    return await show(request, ctx, "mails", rows=rows, category_names=category_names())


@router.get("/{code}/{locale}", summary="One mail")
async def edit_mail(request: Request, code: Code, locale: Locale, ctx: Ctx = EDIT) -> Response:
    """Show the sentences of a mail in one language beside what they make."""
    stored = await template_editor.get_template(ctx, code, locale)
    preview = await template_editor.preview(ctx, code, locale)
    return with_frame(await show(request, ctx, "mail", **editor_values(stored, preview)))


@router.get("/{code}/{locale}/preview", summary="One mail as it looks")
async def preview_mail(code: Code, locale: Locale, ctx: Ctx = EDIT) -> Response:
    """Return the mail's HTML with sample values."""
    return mail_html(await template_editor.preview(ctx, code, locale))
