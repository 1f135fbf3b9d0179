"""The stores: list, form, and the poster with the code that customers scan."""

import uuid
import zoneinfo
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.i18n import LOCALES, N_, formatting, ngettext, translate, use_locale
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.trash import OnlyDeleted
from app.modules.loyalty.queries import programs
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.routes.pages._merchant import trash
from app.modules.loyalty.routes.pages._merchant.panel import show
from app.modules.loyalty.routes.pages._qr import qr_image
from app.modules.loyalty.services import store_scope
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
EDIT: Any = access("merchant", "tenancy.store.edit")
CREATE: Any = access("merchant", "tenancy.store.create")
ZONES = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right")))
COUNTRIES = ("LU", "BE", "DE", "FR", "NL", "AT", "CH")
JOIN = N_("Scan the code and get your loyalty card. No app needed.")
POINTS_PROMISE = N_("Collect points with every purchase and swap them for rewards.")


def join_address(request: Request, store: tenancy.StoreView) -> str:
    """Return the public address at which customers of the store enroll."""
    base: str = request.app.state.settings.base_url
    return f"{base.rstrip('/')}/s/{store.code}/loyalty/join"


@router.get("/stores", summary="The stores")
async def list_stores(
    request: Request, ctx: Ctx = EDIT, only_deleted: OnlyDeleted = False, cursor: Annotated[Cursor | None, Query()] = None
) -> Response:
    """Show all stores, or those in the trash; who is bound to one changes that one only."""
    if only_deleted:
        return await trash.show_stores(request, ctx, cursor=cursor)
    stores = await tenancy.list_stores(ctx, include_closed=True)
    return await show(request, ctx, "stores", stores=stores, has_program=await programs.find_program(ctx) is not None)


@router.get("/stores/new", summary="Open a store")
async def new_store(request: Request, ctx: Ctx = CREATE) -> Response:
    """Show the empty form."""
    return await _form(request, ctx, None)


@router.get("/stores/{store_id}", summary="A store")
async def edit_store(request: Request, store_id: uuid.UUID, ctx: Ctx = EDIT) -> Response:
    """Show the form with what the store is."""
    await store_scope.require_store(ctx, store_id)
    return await _form(request, ctx, await tenancy.get_store(ctx, store_id))


async def _form(request: Request, ctx: Ctx, store: tenancy.StoreView | None) -> Response:
    names = formatting.territory_names(COUNTRIES if store is None or store.country in COUNTRIES else (*COUNTRIES, store.country))
    address = join_address(request, store) if store else None
    return await show(
        request,
        ctx,
        "store",
        store=store,
        zones=[(zone, zone.replace("_", " ")) for zone in ZONES],
        countries=names,
        join_address=address,
    )


@router.get("/stores/{store_id}/poster", summary="A store's poster")
async def poster(request: Request, store_id: uuid.UUID, ctx: Ctx = EDIT, size: Annotated[Literal["a4", "a6"], Query()] = "a4") -> Response:
    """Show the poster for paper: the merchant's colour, the code, and the promise in four languages, the store's first."""
    store = await tenancy.get_store(ctx, store_id)
    program = await programs.find_program(ctx)
    languages = [store.locale, *(locale for locale in LOCALES if locale != store.locale)]
    return await show(
        request,
        ctx,
        "poster",
        store=store,
        size=size,
        program=program,
        accent=program.colour if program else None,
        promises=[(locale, promise(program, locale), translate(locale, JOIN)) for locale in languages] if program else [],
        join_address=join_address(request, store),
    )


def promise(program: Program, locale: str) -> str:
    """Return what the program promises, in one sentence of the language `locale`."""
    if not program.type.has_stamps:
        return translate(locale, POINTS_PROMISE)
    with use_locale(locale):
        if program.stamp_reward:
            return ngettext(
                "Collect %(num)s stamp: %(reward)s",
                "Collect %(num)s stamps: %(reward)s",
                program.stamps_target,
                reward=program.stamp_reward,
            )
        return ngettext("Collect %(num)s stamp and get a reward.", "Collect %(num)s stamps and get a reward.", program.stamps_target)


@router.get("/stores/{store_id}/qr.svg", summary="The code of a store's poster")
async def store_code(request: Request, store_id: uuid.UUID, ctx: Ctx = EDIT) -> Response:
    """Return the code that leads to the store's enrollment page, as an image."""
    return qr_image(join_address(request, await tenancy.get_store(ctx, store_id)))
