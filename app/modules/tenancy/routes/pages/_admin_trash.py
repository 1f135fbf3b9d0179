"""The trash of merchants and of all merchants' stores, as the platform's panel shows it."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.core import permissions
from app.core.context import PlatformCtx
from app.core.pagination import Page
from app.core.web.trash import TrashItem, trash_values
from app.modules.tenancy.routes.pages._admin_frame import show
from app.modules.tenancy.services import trash_service

API = "/api/v1/admin/tenancy/merchants"


async def show_merchants(request: Request, ctx: PlatformCtx, *, search: str, cursor: str | None) -> Response:
    """Return the page of merchants in the trash, the latest first. BadCursor."""
    page = await trash_service.list_trashed_merchants(ctx, search=search, cursor=cursor)
    items = [
        TrashItem(item.merchant.id, item.merchant.name, item.merchant.contact_email or "", item.deletion, f"{API}/{item.merchant.id}")
        for item in page.items
    ]
    return await _show(request, ctx, "merchants-trash", search, page, items)


async def show_stores(request: Request, ctx: PlatformCtx, *, search: str, cursor: str | None) -> Response:
    """Return the page of all merchants' stores in the trash, the latest first. BadCursor.

    Those of one merchant, as a search for it finds them, can be taken back several at once.
    """
    page = await trash_service.list_trashed_stores(ctx, search=search, cursor=cursor)
    items = [
        TrashItem(
            item.store.id, item.store.name, item.merchant_name, item.deletion, f"{API}/{item.store.merchant_id}/stores/{item.store.id}"
        )
        for item in page.items
    ]
    owners = {item.store.merchant_id for item in page.items}
    restore_many = f"{API}/{owners.pop()}/stores/restore" if len(owners) == 1 else None
    return await _show(request, ctx, "stores-trash", search, page, items, restore_many=restore_many)


async def _show(
    request: Request, ctx: PlatformCtx, template: str, search: str, page: Page[Any], items: Sequence[TrashItem], **more: Any
) -> Response:
    may_purge = permissions.is_allowed("tenancy.merchant.purge", ctx.actor.role)
    values = await trash_values(request, ctx, page, items, trash_service.names_of_deleters, may_purge=may_purge)
    return show(request, ctx, template, q=search, zone="UTC", **values, **more)
