"""The frame of the storefront's pages: addresses, the merchant's colour, the offer."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web import pages
from app.modules.cms import public as cms
from app.modules.loyalty.services.storefront_service import Offer
from app.modules.tenancy import public as tenancy


def base_of(store_code: str) -> str:
    """Return the address below which a store's pages lie."""
    return f"/s/{store_code}/loyalty"


async def show(request: Request, ctx: Ctx, template: str, offer: Offer, *, status: int = 200, **values: Any) -> Response:
    """Return the page `template` in the merchant's colour; every page knows the offer and its own addresses."""
    code = offer.store.code
    return pages.render(
        request,
        f"loyalty/storefront/{template}.html",
        ctx=ctx,
        status=status,
        offer=offer,
        base=base_of(code),
        api=f"/api/v1/storefront/{code}/loyalty",
        merchant_name=offer.merchant_name,
        logo_url=offer.program.logo_path,
        accent=offer.program.colour,
        is_signed_in=ctx.actor.customer_id is not None,
        zone=str(await tenancy.merchant_zone(ctx)),
        footer_pages=await cms.list_pages(ctx, offer.store, only_footer=True),
        pages_path=cms.pages_path(code),
        **values,
    )
