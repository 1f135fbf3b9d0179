"""A merchant's pages as everybody reads them."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.modules.cms.errors import PageNotFoundException
from app.modules.cms.routes.pages._look import Shown, show_page
from app.modules.cms.services import reading_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/s/{store_code}/pages", tags=["CMS - Storefront pages"], include_in_schema=False)
READ: Any = access("storefront", "cms.page.read")


@router.get("/{slug}", summary="A page of the merchant")
async def read_page(request: Request, slug: str, ctx: Ctx = READ) -> Response:
    """Show the published page in the reader's language, else in the store's, else in one that there is."""
    store_id = ctx.actor.store_id
    page = None if store_id is None else await reading_service.find_published(ctx, store_id, slug, ctx.locale)
    if page is None or store_id is None:
        raise PageNotFoundException
    shown = Shown(page.title, page.html, page.locale, page.version, page.published_at)
    return await show_page(request, ctx, shown, await tenancy.get_store(ctx, store_id))
