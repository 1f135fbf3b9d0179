"""The storefront's pages on one's own data: everything at a glance, the download, the erasure."""

import uuid
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.streams import stream_file
from app.modules.loyalty.routes.api._privacy_shapes import erasure_parts
from app.modules.loyalty.routes.pages._consent_words import consent_values
from app.modules.loyalty.routes.pages._storefront_frame import base_of, show
from app.modules.loyalty.services import my_data_service, privacy_service, storefront_service
from app.modules.loyalty.services.storefront_service import own_id

router = APIRouter()
READ: Any = access("storefront", "loyalty.storefront.read")
OWN: Any = access("storefront", "loyalty.own_data.read")


@router.get("/loyalty/my-data", summary="Everything about oneself")
async def my_data(request: Request, ctx: Ctx = OWN) -> Response:
    """Show what is kept, what one agreed to, the downloads, and the way to an erasure."""
    customer, wants_marketing = await storefront_service.get_profile(ctx)
    return await show(
        request,
        ctx,
        "my-data",
        await storefront_service.get_offer(ctx),
        customer=customer,
        wants_marketing=wants_marketing,
        downloads=await my_data_service.list_downloads(ctx, customer.id),
        **await consent_values(ctx, customer.id),
    )


@router.get("/loyalty/my-data/erase", summary="Erase one's own data")
async def erase(request: Request, ctx: Ctx = access("storefront", "loyalty.own_data.read", limit="30/minute")) -> Response:
    """Show what goes and what stays, and ask once more."""
    offer = await storefront_service.get_offer(ctx)
    preview = await privacy_service.preview_erasure(ctx, own_id(ctx))
    base = base_of(offer.store.code)
    return await show(
        request,
        ctx,
        "erase",
        offer,
        parts=erasure_parts(preview),
        kept=preview.kept_transactions,
        action=f"/api/v1/storefront/{offer.store.code}/loyalty/my-data/erasure",
        method="POST",
        next=f"{base}/erased",
        cancel=f"{base}/my-data",
    )


@router.get("/loyalty/erased", summary="After an erasure")
async def erased(request: Request, ctx: Ctx = READ) -> Response:
    """Say that nothing is left."""
    return await show(request, ctx, "erased", await storefront_service.get_offer(ctx))


@router.get("/loyalty/my-data/{file_id}", summary="Download one's own data")
async def download(request: Request, file_id: uuid.UUID, ctx: Ctx = OWN) -> Response:
    """Answer with a finished download of one's own."""
    return stream_file(request, ctx, await my_data_service.read_download(ctx, own_id(ctx), file_id))
