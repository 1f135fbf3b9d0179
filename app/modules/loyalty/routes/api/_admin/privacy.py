"""The platform's face: answering somebody who wants their data erased (G3)."""

import uuid

from fastapi import APIRouter

from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.customers import public as customers
from app.modules.loyalty.routes.api._privacy_shapes import erasure_preview, erasure_receipt
from app.modules.loyalty.schemas.privacy import ErasurePreview, ErasureReceipt
from app.modules.loyalty.services import card_service, privacy_service
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/admin/loyalty/cards/customer", tags=["Loyalty - Admin"])
PROBLEMS = documented(404, 410)


@router.get("/{customer_id}", summary="What an erasure would take", responses=PROBLEMS)
async def preview_erasure(customer_id: uuid.UUID, ctx: PlatformCtx = access("admin", "loyalty.platform.erase")) -> ErasurePreview:
    """Return how much of each kind would be erased now of any merchant's customer, and what stays. Nothing is changed."""
    inside = tenancy.act_for_merchant(ctx, await customers.find_merchant(ctx, customer_id))
    return erasure_preview(await privacy_service.preview_erasure(inside, customer_id))


@router.delete("/{customer_id}", summary="Erase a customer", responses=PROBLEMS)
async def erase_customer(customer_id: uuid.UUID, ctx: PlatformCtx = access("admin", "loyalty.platform.erase")) -> ErasureReceipt:
    """Erase everything personal of any merchant's customer, for good, and return the receipt; the admin stands in the audit log.

    The cards' history stays, without a name. Somebody who was erased before is gone: 410.
    """
    inside = tenancy.act_for_merchant(ctx, await customers.find_merchant(ctx, customer_id))
    return erasure_receipt(await card_service.anonymize_cards_for_customer(inside, customer_id))
