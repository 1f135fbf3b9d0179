"""The merchant's face: answering somebody who wants their data erased."""

import uuid

from fastapi import APIRouter

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.loyalty.routes.api._privacy_shapes import erasure_preview, erasure_receipt
from app.modules.loyalty.schemas.privacy import ErasureConfirmed, ErasurePreview, ErasureReceipt
from app.modules.loyalty.services import card_service, privacy_service

router = APIRouter(prefix="/api/v1/merchants/loyalty/customers", tags=["Loyalty - Merchant"])
PROBLEMS = documented(404, 410)


@router.get("/{customer_id}/erasure", summary="What an erasure would take", responses=PROBLEMS)
async def preview_erasure(customer_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.customer.erase")) -> ErasurePreview:
    """Return how much of each kind would be erased now, and what stays. Nothing is changed."""
    return erasure_preview(await privacy_service.preview_erasure(ctx, customer_id))


@router.post("/{customer_id}/erasure", summary="Erase a customer", responses=PROBLEMS)
async def erase_customer(
    customer_id: uuid.UUID, body: ErasureConfirmed, ctx: Ctx = access("merchant", "loyalty.customer.erase")
) -> ErasureReceipt:
    """Erase everything personal of a customer, for good, and return the receipt. The cards' history stays, without a name.

    Somebody who was erased before is gone: 410.
    """
    return erasure_receipt(await card_service.anonymize_cards_for_customer(ctx, customer_id))
