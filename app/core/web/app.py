"""The ASGI application: routers and pages of all modules, the error handler, static files, health."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from app.core.config import Settings, get_settings
from app.core.db import heartbeats
from app.core.db.engine import Database
from app.core.db.role import check_connection
from app.core.i18n import get_catalogs
from app.core.modules import MenuItem, ModuleDefinition, load_attribute, load_modules
from app.core.observability import configure_logging
from app.core.schedules import timetable_of
from app.core.together import Together
from app.core.web import about, health, jobs, openapi, operation, pages, problems, site
from app.core.web.measuring import RefusalCounter, keep_measuring
from app.core.web.middleware import Gate
from app.core.web.rate_limit import RateLimiter

DESCRIPTION = """Loyalty programs for merchants with one or many stores.

Errors are problem+json (RFC 9457) with a stable `code`. Every POST that moves value needs an `Idempotency-Key`."""


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the pools in the process that serves, and close them when it stops."""
    settings: Settings = app.state.settings
    app.state.database = Database.from_settings(settings)
    app.state.together = Together(app.state.database)
    app.state.rate_limiter = RateLimiter(settings)
    await check_connection(app.state.database)
    keep_what_stays()
    app.state.refusals = RefusalCounter()
    aside = [
        asyncio.create_task(heartbeats.keep_beating(app.state.database, "web")),
        asyncio.create_task(keep_measuring(app.state.database, app.state.refusals)),
    ]
    yield
    for task in aside:
        task.cancel()
    await asyncio.gather(*aside, return_exceptions=True)
    await app.state.database.dispose()


def keep_what_stays() -> None:
    """Take what was loaded by now out of the garbage collector's sight, and let it look less often.

    Routes, models, catalogs and templates live as long as the process; walking over them at every full collection was a part of
    each request's time. What requests leave behind is freed by reference counts, but for the odd cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 25, 25)


def build_api(settings: Settings, definitions: Sequence[ModuleDefinition]) -> FastAPI:
    """Return the FastAPI application without the gate around it."""
    api = FastAPI(
        title="Orion Loyalty",
        version="0.1.0",
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,  # it would redirect to whatever host the request named
    )
    api.state.settings = settings
    api.state.openers = {face: load_attribute(path) for item in definitions for face, path in item.openers.items()}
    api.state.menu = _menu(definitions)
    api.state.timetable = timetable_of(definitions)
    problems.install(api)
    for path in _in_order_of_use(definitions):
        router: APIRouter = load_attribute(path)
        api.include_router(router)
    for own in (health.router, site.router, about.router, operation.router, jobs.router):
        api.include_router(own)
    openapi.install(api)
    api.mount("/static", StaticFiles(directory=pages.ROOT / "core" / "static", check_dir=False), name="static")
    return api


def _in_order_of_use(definitions: Sequence[ModuleDefinition]) -> list[str]:
    """Return the routers' import paths in the order in which a request is matched: the counter's first, pages last."""
    return [
        *(path for definition in reversed(definitions) for path in definition.routers),
        *(path for definition in definitions for path in definition.pages),
    ]


def _menu(definitions: Sequence[ModuleDefinition]) -> dict[str, list[MenuItem]]:
    menu: dict[str, list[MenuItem]] = {}
    for item in sorted((item for definition in definitions for item in definition.menu), key=lambda item: item.order):
        menu.setdefault(item.face, []).append(item)
    return menu


def create_app(settings: Settings | None = None) -> Gate:
    """Return the whole application; settings, catalogs and modules are checked now, not at the first request."""
    settings = settings or get_settings()
    configure_logging()
    _ = settings.secret_key, settings.pin_pepper
    get_catalogs()
    return Gate(build_api(settings, load_modules()), settings)
