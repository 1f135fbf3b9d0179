"""From an erasure's receipt to the answers of the three faces."""

from app.core.i18n import _
from app.modules.loyalty.domain.privacy import CATEGORIES
from app.modules.loyalty.schemas.privacy import ErasurePart, ErasurePreview, ErasureReceipt
from app.modules.loyalty.services.privacy_service import Receipt


def erasure_parts(receipt: Receipt) -> list[ErasurePart]:
    """Return what goes, by category, without those in which there is nothing."""
    return [
        ErasurePart(category=category, label=_(label), count=receipt.counts[category])
        for category, label in CATEGORIES.items()
        if receipt.counts[category]
    ]


def erasure_preview(receipt: Receipt) -> ErasurePreview:
    """Return what would go."""
    return ErasurePreview(customer_id=receipt.customer_id, parts=erasure_parts(receipt), kept_transactions=receipt.kept_transactions)


def erasure_receipt(receipt: Receipt) -> ErasureReceipt:
    """Return what went."""
    return ErasureReceipt(**dict(erasure_preview(receipt)), erased_at=receipt.at)
