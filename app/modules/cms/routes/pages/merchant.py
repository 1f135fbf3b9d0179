"""The merchant's pages in its panel: the list, the editor of each language, previews, and what was published. They only read."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.context import Ctx
from app.core.i18n import LOCALES, formatting
from app.core.web import pages as web_pages
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.security import CONTENT_SECURITY_POLICY
from app.modules.cms.domain import pages as rules
from app.modules.cms.domain import starter
from app.modules.cms.domain.pages import PageText
from app.modules.cms.errors import NoStoreException, VersionNotFoundException
from app.modules.cms.queries import pages, versions
from app.modules.cms.queries.pages import EditedPage
from app.modules.cms.routes.api._shapes import version_list
from app.modules.cms.routes.api.merchant import Number
from app.modules.cms.routes.pages._look import Shown, show_page
from app.modules.cms.schemas.pages import Locale
from app.modules.cms.services import reading_service, uses
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/merchants/pages", tags=["CMS - Merchant pages"], include_in_schema=False)
MANAGE: Any = access("merchant", "cms.page.manage")
LANGUAGES = [(locale, formatting.language_name(locale)) for locale in LOCALES]
LIMITS = {"slug": rules.MAX_SLUG_LENGTH, "title": rules.MAX_TITLE_LENGTH, "body": rules.MAX_BODY_LENGTH}


async def show(request: Request, ctx: Ctx, template: str, **values: Any) -> Response:
    """Return a page of the panel with the frame around it."""
    panel = await tenancy.get_panel(ctx)
    return web_pages.render(
        request, f"cms/merchant/{template}.html", ctx=ctx, face="merchant", languages=LANGUAGES, limits=LIMITS, **panel.values() | values
    )


@router.get("", summary="The merchant's pages")
async def list_pages(request: Request, ctx: Ctx = MANAGE, cursor: Annotated[Cursor | None, Query()] = None) -> Response:
    """Show every page: what is public, what has changed since, and which languages are missing."""
    found = await pages.list_pages(ctx, cursor=cursor)
    taken = await pages.list_slugs(ctx)
    stores = await tenancy.list_stores(ctx, include_closed=True)
    return await show(
        request,
        ctx,
        "pages",
        rows=found.items,
        next_href=f"?cursor={found.next_cursor}" if found.next_cursor else None,
        is_first=cursor is None,
        stores={store.id: store for store in stores},
        store_options=_options(stores),
        missing_starters=[slug for slug in starter.SLUGS if slug not in taken],
    )


@router.get("/{page_id}", summary="A page")
async def open_page(page_id: uuid.UUID, ctx: Ctx = MANAGE) -> Response:
    """Lead to the editor in the reader's language, or in one that there is."""
    page = await pages.get_page(ctx, page_id)
    locale = ctx.locale if ctx.locale in page.texts or not page.texts else next(iter(page.texts))
    return RedirectResponse(f"/merchants/pages/{page_id}/{locale}", 303)


@router.get("/{page_id}/versions", summary="What was published of a page")
async def list_versions(
    request: Request, page_id: uuid.UUID, ctx: Ctx = MANAGE, cursor: Annotated[Cursor | None, Query()] = None
) -> Response:
    """Show the versions of a page, newest first, to look at and to bring back."""
    page = await pages.get_page(ctx, page_id)
    listed = await version_list(ctx, await versions.list_versions(ctx, page_id, cursor=cursor), page)
    return await show(
        request,
        ctx,
        "versions",
        page=page,
        versions=listed.items,
        next_href=f"?cursor={listed.next_cursor}" if listed.next_cursor else None,
        is_first=cursor is None,
    )


@router.get("/{page_id}/versions/{number}/{locale}", summary="A version as it was shown")
async def show_version(request: Request, page_id: uuid.UUID, number: Number, locale: Locale, ctx: Ctx = MANAGE) -> Response:
    """Show a version as the public saw it, in one of its languages."""
    page = await pages.get_page(ctx, page_id)
    version = await versions.get_version(ctx, page_id, number)
    text = version.texts.get(locale)
    if text is None:
        raise VersionNotFoundException
    store = await _preview_store(ctx, page)
    html = await reading_service.render(text, store_code=store.code)
    return await show_page(request, ctx, Shown(text.title, html, locale, number, version.published_at), store, is_preview=True)


@router.get("/{page_id}/preview/{locale}", summary="A draft as it will look")
async def preview_page(request: Request, page_id: uuid.UUID, locale: Locale, ctx: Ctx = MANAGE) -> Response:
    """Show the draft as the public will see it."""
    page = await pages.get_page(ctx, page_id)
    text = page.texts.get(locale, PageText("", ""))
    store = await _preview_store(ctx, page)
    html = await reading_service.render(text, store_code=store.code)
    return await show_page(request, ctx, Shown(text.title, html, locale), store, is_preview=True)


@router.get("/{page_id}/{locale}", summary="Write a page")
async def edit_page(request: Request, page_id: uuid.UUID, locale: Locale, ctx: Ctx = MANAGE) -> Response:
    """Show the draft in one language beside what it makes, and what can be done with the page."""
    page = await pages.get_page(ctx, page_id)
    stores = await tenancy.list_stores(ctx, include_closed=True)
    place = await reading_service.show_at(ctx, page)
    response = await show(
        request,
        ctx,
        "page",
        page=page,
        language=locale,
        text=page.texts.get(locale, PageText("", "")),
        revision=page.revisions.get(locale, 0),
        store_options=_options(stores),
        store_name=next((store.name for store in stores if store.id == page.store_id), None),
        public_path=f"{reading_service.pages_path(place.code)}{page.slug}" if place else None,
        is_used=await uses.is_page_used(ctx, page_id) if page.is_published else False,
    )
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response


def _options(stores: list[tenancy.StoreView]) -> list[tuple[str, str]]:
    """Return stores as the choices of a field."""
    return [(str(store.id), store.name) for store in stores]


async def _preview_store(ctx: Ctx, page: EditedPage) -> tenancy.StoreView:
    """Return the store at which a page is previewed; NoStoreException when there is no open one."""
    store = await reading_service.show_at(ctx, page)
    if store is None:
        raise NoStoreException
    return store
