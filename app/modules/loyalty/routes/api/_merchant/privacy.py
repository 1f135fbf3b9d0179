"""The merchant's face: answering somebody who wants their data erased."""

import uuid

from fastapi import APIRouter

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.loyalty.queries import programs
from app.modules.loyalty.routes.api._privacy_shapes import erasure_preview, erasure_receipt
from app.modules.loyalty.schemas.privacy import ErasureConfirmed, ErasurePreview, ErasureReceipt, RetentionAnswer, RetentionBody
from app.modules.loyalty.services import card_service, privacy_service, retention_service

router = APIRouter(prefix="/api/v1/merchants/loyalty", tags=["Loyalty - Merchant"])
PROBLEMS = documented(404, 410)


@router.get("/customers/{customer_id}/erasure", summary="What an erasure would take", responses=PROBLEMS)
async def preview_erasure(customer_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.customer.erase")) -> ErasurePreview:
    """Return how much of each kind would be erased now, and what stays. Nothing is changed."""
    return erasure_preview(await privacy_service.preview_erasure(ctx, customer_id))


@router.post("/customers/{customer_id}/erasure", summary="Erase a customer", responses=PROBLEMS)
async def erase_customer(
    customer_id: uuid.UUID, body: ErasureConfirmed, ctx: Ctx = access("merchant", "loyalty.customer.erase")
) -> ErasureReceipt:
    """Erase everything personal of a customer, for good, and return the receipt. The cards' history stays, without a name.

    Somebody who was erased before is gone: 410.
    """
    return erasure_receipt(await card_service.anonymize_cards_for_customer(ctx, customer_id))


@router.get("/settings/retention", summary="How long people who stay away are kept", responses=documented())
async def read_retention(ctx: Ctx = access("merchant", "loyalty.settings.read")) -> RetentionAnswer:
    """Return after how many years without a visit people are told and, 30 days later, erased; null when they are kept."""
    return RetentionAnswer(retention_years=(await programs.get_settings(ctx)).retention_years)


@router.put("/settings/retention", summary="Change how long people who stay away are kept", responses=documented())
async def save_retention(body: RetentionBody, ctx: Ctx = access("merchant", "loyalty.settings.manage")) -> RetentionAnswer:
    """Let people be told and, 30 days later, erased when they stay away for years. Switching it off takes back what was announced."""
    return RetentionAnswer(retention_years=(await retention_service.set_retention(ctx, years=body.retention_years)).retention_years)
