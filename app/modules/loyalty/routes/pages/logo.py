"""The pictures on cards, for anybody who sees a card: customers, staff, people about to join."""

import uuid

from fastapi import APIRouter
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.errors import NotFound
from app.core.web.deps import access
from app.modules.loyalty.services import logo_service

router = APIRouter(tags=["Loyalty - Pictures"], include_in_schema=False)
# The address names the content, so what is there never changes. Mails show it too, and mail readers are other sites.
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "cross-origin"}


@router.get("/logos/{merchant_id}/{name}", summary="A merchant's logo")
async def show_logo(merchant_id: str, name: str, ctx: PlatformCtx = access("public", "loyalty.storefront.read")) -> Response:
    """Send the picture as it was uploaded; 404 for everything that is no active merchant's present logo."""
    try:
        found = await logo_service.find_logo(ctx, uuid.UUID(merchant_id), name)
    except ValueError:
        found = None
    if found is None:
        raise NotFound
    content, media_type = found
    return Response(content, media_type=media_type.value, headers=FOR_EVER)
