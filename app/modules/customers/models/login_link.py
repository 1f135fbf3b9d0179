"""Mailed sign-in links; only a hash of their secret is kept."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel


class LoginLink(MerchantModel):
    """A link that signs a customer in once; `attempts` counts every opening, also the refused ones."""

    __tablename__ = "customer_login_links"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"]),
        UniqueConstraint("merchant_id", "token_hash"),
        CheckConstraint("purpose IN ('sign_in', 'card')", name="purpose"),
        Index("ix_customer_login_links_merchant_id_customer_id_created_at", "merchant_id", "customer_id", "created_at"),
        Index("ix_customer_login_links_expires_at", "expires_at"),
    )

    customer_id: Mapped[uuid.UUID]
    purpose: Mapped[str]
    token_hash: Mapped[bytes]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
