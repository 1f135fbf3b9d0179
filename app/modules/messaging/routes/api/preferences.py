"""What the links at the foot of our mails do. Forms instead of JSON: mail readers send one (RFC 8058), and so do pages without a script.

No limit counts here: mail readers unsubscribe for many people from one address, and whoever has no signed link gets nowhere.
"""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.context import Ctx
from app.core.errors import BadRequest, Invalid
from app.core.i18n import LOCALES
from app.core.web import security
from app.core.web.credentials import LANGUAGE_COOKIE
from app.core.web.deps import access
from app.core.web.problems import FIELD_FALLBACK, FIELD_MESSAGES
from app.core.web.site import YEAR_SECONDS
from app.modules.messaging.routes.pages.preferences import check_age, show_unsubscribe
from app.modules.messaging.services import links, preference_service

router = APIRouter(prefix="/mail", tags=["Mail preferences"], include_in_schema=False)
FIELDS = frozenset({"reminders", "marketing", "locale"})
MOST_FIELDS = 10


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form as a page sends it; BadRequest for anything else, Invalid with the fields that are wrong."""
    try:
        text = (await request.body()).decode("utf-8")
        given = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError as error:
        raise BadRequest from error
    wrong = dict.fromkeys(given.keys() - FIELDS, FIELD_MESSAGES["extra_forbidden"])
    if given.get("locale") not in LOCALES:
        wrong["locale"] = FIELD_FALLBACK
    if wrong:
        raise Invalid(fields=wrong)
    return given


@router.post("/unsubscribe/{token}", summary="Unsubscribe in one click")
async def unsubscribe(request: Request, token: str, ctx: Ctx = access("mail", "messaging.preferences.edit")) -> Response:
    """Unsubscribe from the category of the link, at once and without asking back (RFC 8058). The same answer every time."""
    await preference_service.unsubscribe(ctx, links.read_category(token))
    return await show_unsubscribe(request, token, ctx)


@router.post("/preferences/{token}", summary="Choose mails and language")
async def save_preferences(
    request: Request,
    token: str,
    form: Annotated[dict[str, str], Depends(read_form)],
    ctx: Ctx = access("mail", "messaging.preferences.edit"),
) -> Response:
    """Keep the choices of the page's form and lead back to it."""
    check_age(token, ctx)
    await preference_service.save_preferences(ctx, reminders="reminders" in form, marketing="marketing" in form, locale=form["locale"])
    response = RedirectResponse(f"{links.PREFERENCES_PATH}{token}?saved=1", 303)
    if request.scope.get("orion.language_choice") is not None:  # what was chosen last counts; without a choice there is no cookie
        security.set_cookie(response, LANGUAGE_COOKIE, form["locale"], request.app.state.settings, max_age=YEAR_SECONDS)
    return response
