"""What belongs to no module: the start page, the accent style sheets, the choice of a language, the style guide of the demo."""

import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.errors import NotFound
from app.core.i18n.locale import match_locale
from app.core.web import pages, security
from app.core.web.credentials import LANGUAGE_COOKIE
from app.core.web.theme import theme_css

router = APIRouter(tags=["Site"], include_in_schema=False)
YEAR_SECONDS = 31_536_000
COLOUR = re.compile(r"[0-9a-f]{6}")


@router.get("/", summary="Start page")
async def start(request: Request) -> Response:
    """Show where each kind of person goes."""
    return pages.render(request, "start.html")


@router.get("/theme/{colour}.css", summary="Style sheet for a merchant's colour")
async def theme(colour: str) -> Response:
    """Return the accent's custom properties; the policy allows no inline styles."""
    if not COLOUR.fullmatch(colour):
        raise NotFound
    return Response(theme_css("#" + colour), media_type="text/css", headers={"cache-control": f"public, max-age={YEAR_SECONDS}, immutable"})


@router.get("/language/{locale}", summary="Choose a language")
async def choose_language(request: Request, locale: str, next: str = "/") -> Response:
    """Remember the language and go back to the page; only paths of our own."""
    chosen = match_locale(locale)
    if chosen is None:
        raise NotFound
    target = next if re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", next) else "/"
    response = RedirectResponse(target, 303)
    security.set_cookie(response, LANGUAGE_COOKIE, chosen, request.app.state.settings, max_age=YEAR_SECONDS)
    return response


@router.get("/styleguide", summary="Every component of the kit")
async def styleguide(request: Request) -> Response:
    """Show the kit, in the demo only."""
    if request.app.state.settings.env == "production":
        raise NotFound
    return pages.render(request, "styleguide.html")
