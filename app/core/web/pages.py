"""Pages: Jinja templates of core and the modules, rendered on the server in the caller's language. Pages only read."""

import functools
import json
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import Response

import app as package
from app.core import permissions
from app.core.context import Actor, Ctx, PlatformCtx
from app.core.i18n import LOCALES, _, current_locale
from app.core.i18n import jinja as i18n_jinja
from app.core.modules import MODULES, MenuItem

ROOT = Path(package.__file__).parent
DIST = ROOT / "core" / "static" / "dist"


def template_folders() -> list[Path]:
    """Return core's template folder and every module's."""
    return [ROOT / "core" / "templates", *(ROOT / "modules" / name / "templates" for name in MODULES)]


@functools.lru_cache(maxsize=1)
def manifest() -> dict[str, str]:
    """Return the front-end build's map from a file's name to its hashed name; empty before the first build."""
    path = DIST / "manifest.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def asset(name: str) -> str:
    """Return the URL of the built file `name`; KeyError in a page that names a file the build does not make."""
    return f"/static/dist/{manifest()[name]}"


@functools.lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the one Jinja environment: autoescaping, and strict about names that do not exist."""
    env = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in template_folders()]),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    i18n_jinja.install(env)
    env.globals.update(asset=asset, LOCALES=LOCALES)
    return env


def navigation(request: Request, face: str, actor: Actor) -> list[dict[str, Any]]:
    """Return the entries of a panel's navigation that `actor` may open, in the current language."""
    items: list[MenuItem] = request.app.state.menu.get(face, [])
    path = f"{request.url.path}/"
    places = ((place, item) for item in items for place in (item.href, item.also) if place and path.startswith(f"{place}/"))
    best = max(places, key=lambda found: len(found[0]), default=(None, None))[1]
    return [
        {
            "label": _(item.label),
            "icon": item.icon,
            "href": item.href,
            "active": item is best,
            "group": _(item.group) if item.group else "",
        }
        for item in items
        if permissions.is_allowed(item.permission, actor.role, bound_to=actor.store_id, is_acting=actor.acting_admin_id is not None)
    ]


def render(
    request: Request, template: str, *, ctx: Ctx | PlatformCtx | None = None, face: str | None = None, status: int = 200, **values: Any
) -> Response:
    """Return the page `template` with `values`; `face` adds that panel's navigation for the caller's role."""
    html = (
        environment()
        .get_template(template)
        .render(
            request=request,
            locale=current_locale(),
            request_id=request.scope.get("orion.request_id", ""),
            demo=request.app.state.settings.env == "demo",
            nav=navigation(request, face, ctx.actor) if face and ctx else [],
            actor=ctx.actor if ctx else None,
            now=ctx.now if ctx else None,
            **values,
        )
    )
    response = Response(html, status, media_type="text/html")
    response.headers["Content-Language"] = current_locale()
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response
