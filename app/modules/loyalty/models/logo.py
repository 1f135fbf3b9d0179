"""The picture on a merchant's cards."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel
from app.modules.loyalty.domain.logo import MAX_BYTES, LogoType
from app.modules.loyalty.models.columns import is_one_of


class Logo(MerchantModel):
    """A merchant's logo, one at most: the picture as it was uploaded, found by its checksum (`Program.logo_path` names it)."""

    __tablename__ = "loyalty_logos"
    __table_args__ = (
        CheckConstraint(f"octet_length(content) BETWEEN 1 AND {MAX_BYTES}", name="content_size"),
        is_one_of("media_type", LogoType),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_size"),
        Index("uq_loyalty_logos_merchant_id", "merchant_id", unique=True),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    content: Mapped[bytes]
    media_type: Mapped[str]
    sha256: Mapped[bytes]
    created_at: Mapped[dt.datetime]
