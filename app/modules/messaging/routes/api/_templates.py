"""The sentences of mails, for both faces: a merchant's own in the mails to its customers and team, the platform's as the standard."""

from typing import Any

from fastapi import APIRouter

from app.core.context import Ctx, PlatformCtx
from app.core.credentials import Face
from app.core.i18n import Locale
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.messaging.queries import templates
from app.modules.messaging.routes.api._shapes import copy_of, list_answer, preview_answer, template_answer
from app.modules.messaging.schemas.templates import (
    Code,
    CopyBody,
    PreviewAnswer,
    TemplateAnswer,
    TemplateList,
    TrialAnswer,
)
from app.modules.messaging.services import template_editor

ONE = documented(404)
Caller = Ctx | PlatformCtx


def make_router(face: Face, prefix: str, tag: str, permission: str) -> APIRouter:
    """Return the routes of one face, for callers with `permission`."""
    router = APIRouter(prefix=prefix, tags=[tag])
    _add_editing(router, access(face, permission))
    _add_trying(
        router,
        preview=access(face, permission, limit="240/minute", limit_name="messaging.preview"),
        test=access(face, permission, limit="10/minute", limit_name="messaging.test"),
    )
    return router


def _add_editing(router: APIRouter, edit: Any) -> None:
    @router.get("/templates", summary="List the mails", responses=documented())
    async def list_templates(ctx: Caller = edit) -> TemplateList:
        """Return the mails whose sentences the caller may choose, what causes each, and the languages in which it has sentences of
        its own. The platform's are also those about passwords."""
        return list_answer(await templates.list_templates(ctx))

    @router.get("/templates/{code}/{locale}", summary="Read a mail's sentences", responses=ONE)
    async def read_template(code: Code, locale: Locale, ctx: Caller = edit) -> TemplateAnswer:
        """Return one mail in one language, with the variables that its sentences may hold."""
        return template_answer(await template_editor.get_template(ctx, code, locale))

    @router.put("/templates/{code}/{locale}", summary="Save a mail's sentences", responses=ONE)
    async def save_template(code: Code, locale: Locale, body: CopyBody, ctx: Caller = edit) -> TemplateAnswer:
        """Let the mail say this from now on: a merchant's instead of the standard, the platform's to everybody whose merchant has no
        sentences of its own.

        What cannot stay so is named field by field: a variable that this mail does not have, one it cannot do without, a sentence
        that is too long.
        """
        return template_answer(await template_editor.save_template(ctx, code, locale, copy_of(body)))

    @router.delete("/templates/{code}/{locale}", summary="Go back to the standard", responses=ONE)
    async def reset_template(code: Code, locale: Locale, ctx: Caller = edit) -> TemplateAnswer:
        """Forget the sentences that were saved for one language: a merchant's mail says again what the platform's standard says, the
        platform's what it said when it was delivered.

        Nothing changes where nothing was saved.
        """
        return template_answer(await template_editor.reset_template(ctx, code, locale))


def _add_trying(router: APIRouter, *, preview: Any, test: Any) -> None:
    @router.post("/templates/{code}/{locale}/preview", summary="See a mail with sample values", responses=ONE)
    async def preview_template(code: Code, locale: Locale, body: CopyBody, ctx: Caller = preview) -> PreviewAnswer:
        """Return subject, HTML and plain text that these sentences would make; nothing is saved. Refused as when saved."""
        return preview_answer(await template_editor.preview(ctx, code, locale, copy_of(body)))

    @router.post("/templates/{code}/{locale}/test", summary="Send me a test", status_code=202, responses=documented(404, 409))
    async def send_test(code: Code, locale: Locale, ctx: Caller = test) -> TrialAnswer:
        """Send the mail as it is saved, with sample values, to the address of the person who asks: through the same way as every
        mail, and noted in the log of mails as a test. 409 for a key of a script, which has no mailbox."""
        return TrialAnswer(recipient=await template_editor.request_test(ctx, code, locale))
