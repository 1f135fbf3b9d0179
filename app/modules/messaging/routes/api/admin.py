"""The platform's face: the standard of every mail, for merchants without sentences of their own."""

from typing import Any

from fastapi import APIRouter

from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.messaging.queries import templates
from app.modules.messaging.routes.api._shapes import copy_of, list_answer, preview_answer, template_answer
from app.modules.messaging.schemas.templates import (
    Code,
    CopyBody,
    Locale,
    PreviewAnswer,
    TemplateAnswer,
    TemplateList,
    TrialAnswer,
)
from app.modules.messaging.services import template_editor

router = APIRouter(prefix="/api/v1/admin/messaging", tags=["Messaging - Admin"])
ONE = documented(404)
EDIT: Any = access("admin", "messaging.template.manage")
PREVIEW: Any = access("admin", "messaging.template.manage", limit="240/minute", limit_name="messaging.preview")
TEST: Any = access("admin", "messaging.template.manage", limit="10/minute", limit_name="messaging.test")


@router.get("/templates", summary="List the mails", responses=documented())
async def list_templates(ctx: PlatformCtx = EDIT) -> TemplateList:
    """Return all mails, those about passwords too, what causes each, and the languages in which it has sentences of its own."""
    return list_answer(await templates.list_templates(ctx))


@router.get("/templates/{code}/{locale}", summary="Read a mail's sentences", responses=ONE)
async def read_template(code: Code, locale: Locale, ctx: PlatformCtx = EDIT) -> TemplateAnswer:
    """Return one mail in one language, with the variables that its sentences may hold."""
    return template_answer(await template_editor.get_template(ctx, code, locale))


@router.put("/templates/{code}/{locale}", summary="Save a mail's sentences", responses=ONE)
async def save_template(code: Code, locale: Locale, body: CopyBody, ctx: PlatformCtx = EDIT) -> TemplateAnswer:
    """Let the mail say this from now on, to everybody whose merchant has no sentences of its own.

    What cannot stay so is named field by field: a variable that this mail does not have, one it cannot do without, a sentence
    that is too long.
    """
    return template_answer(await template_editor.save_template(ctx, code, locale, copy_of(body)))


@router.delete("/templates/{code}/{locale}", summary="Go back to the standard", responses=ONE)
async def reset_template(code: Code, locale: Locale, ctx: PlatformCtx = EDIT) -> TemplateAnswer:
    """Forget the sentences that were saved for one language: the mail says again what it said when it was delivered.

    Nothing changes where nothing was saved.
    """
    return template_answer(await template_editor.reset_template(ctx, code, locale))


@router.post("/templates/{code}/{locale}/preview", summary="See a mail with sample values", responses=ONE)
async def preview_template(code: Code, locale: Locale, body: CopyBody, ctx: PlatformCtx = PREVIEW) -> PreviewAnswer:
    """Return subject, HTML and plain text that these sentences would make; nothing is saved. Refused as when saved."""
    return preview_answer(await template_editor.preview(ctx, code, locale, copy_of(body)))


@router.post("/templates/{code}/{locale}/test", summary="Send me a test", status_code=202, responses=documented(404, 409))
async def send_test(code: Code, locale: Locale, ctx: PlatformCtx = TEST) -> TrialAnswer:
    """Send the mail as it is saved, with sample values, to the address of the person who asks: through the same way as every mail,
    and noted in the log of mails as a test. 409 for a key of a script, which has no mailbox."""
    return TrialAnswer(recipient=await template_editor.request_test(ctx, code, locale))
