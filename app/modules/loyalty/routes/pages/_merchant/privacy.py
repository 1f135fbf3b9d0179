"""A customer's data: taken away, or erased."""

import uuid
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.streams import attachment
from app.modules.customers import public as customers
from app.modules.loyalty.routes.api._privacy_shapes import erasure_parts
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.routes.pages._merchant.panel import show
from app.modules.loyalty.services import my_data_service, privacy_service

router = APIRouter(prefix="/merchants/customers", tags=["Loyalty - Merchant pages"], include_in_schema=False)
ERASE: Any = access("merchant", "loyalty.customer.erase")


@router.get("/{customer_id}/erasure", summary="Erase a customer's data")
async def erase_customer(request: Request, customer_id: uuid.UUID, ctx: Ctx = ERASE) -> Response:
    """Show what goes and what stays, and ask once more."""
    preview = await privacy_service.preview_erasure(ctx, customer_id)
    customer = await customers.get_customer(ctx, customer_id)
    here = f"/merchants/customers/{customer_id}"
    return await show(
        request,
        ctx,
        "erasure",
        name=views.person_name(customer),
        parts=erasure_parts(preview),
        kept=preview.kept_transactions,
        action=f"/api/v1/merchants/loyalty/customers/{customer_id}/erasure",
        method="POST",
        next=here,
        cancel=here,
    )


@router.get("/{customer_id}/data.zip", summary="A customer's data as a file")
async def download_data(customer_id: uuid.UUID, ctx: Ctx = ERASE) -> Response:
    """Answer with everything held on the customer, for somebody who asks the merchant for it."""
    content = my_data_service.pack(await my_data_service.collect(ctx, customer_id))
    return Response(content, media_type=my_data_service.MEDIA_TYPE, headers={"content-disposition": attachment("my-data.zip")})
