"""The trash of merchants and of all merchants' stores, as the platform's panel shows it."""

from starlette.requests import Request
from starlette.responses import Response

from app.core import permissions
from app.core.context import PlatformCtx
from app.core.web.lists import page_links
from app.core.web.trash import trash_row
from app.modules.tenancy.routes.pages._admin_frame import show
from app.modules.tenancy.services import trash_service

API = "/api/v1/admin/tenancy/merchants"


async def show_merchants(request: Request, ctx: PlatformCtx, *, search: str, cursor: str | None) -> Response:
    """Return the page of merchants in the trash, the latest first. BadCursor."""
    page = await trash_service.list_trashed_merchants(ctx, search=search, cursor=cursor)
    names = await trash_service.names_of_deleters(ctx, [item.deletion for item in page.items])
    may_purge = permissions.is_allowed("tenancy.merchant.purge", ctx.actor.role)
    rows = [
        trash_row(
            item.merchant.id,
            item.merchant.name,
            item.merchant.contact_email or "",
            item.deletion,
            f"{API}/{item.merchant.id}",
            names=names,
            may_purge=may_purge,
        )
        for item in page.items
    ]
    links = page_links(request, page.next_cursor, page.previous_cursor)
    return show(request, ctx, "merchants-trash", rows=rows, q=search, links=links, zone="UTC")


async def show_stores(request: Request, ctx: PlatformCtx, *, search: str, cursor: str | None) -> Response:
    """Return the page of all merchants' stores in the trash, the latest first. BadCursor."""
    page = await trash_service.list_trashed_stores(ctx, search=search, cursor=cursor)
    names = await trash_service.names_of_deleters(ctx, [item.deletion for item in page.items])
    may_purge = permissions.is_allowed("tenancy.merchant.purge", ctx.actor.role)
    rows = [
        trash_row(
            item.store.id,
            item.store.name,
            item.merchant_name,
            item.deletion,
            f"{API}/{item.store.merchant_id}/stores/{item.store.id}",
            names=names,
            may_purge=may_purge,
        )
        for item in page.items
    ]
    links = page_links(request, page.next_cursor, page.previous_cursor)
    return show(request, ctx, "stores-trash", rows=rows, q=search, links=links, zone="UTC")
