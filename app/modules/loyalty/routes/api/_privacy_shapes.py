"""From an erasure's receipt to the answers of the three faces."""

import json

from app.core.files import StoredFile
from app.core.i18n import _
from app.modules.loyalty.domain.privacy import CATEGORIES
from app.modules.loyalty.schemas.privacy import Download, ErasurePart, ErasurePreview, ErasureReceipt, MyData
from app.modules.loyalty.services.my_data_service import Document, as_text
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


def download(file: StoredFile) -> Download:
    """Return a download as its owner sees it."""
    return Download(
        id=file.id,
        name=file.name,
        is_ready=file.parts > 0,
        size=file.size,
        requested_at=file.created_at,
        expires_at=file.expires_at,
    )


def my_data(document: Document) -> MyData:
    """Return the document as JSON has it: the same words as in the download."""
    return MyData.model_validate_json(json.dumps(document, default=as_text))
