"""The history of consents: statements are added, never changed."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from app.core.db.base import MerchantModel


class Consent(MerchantModel):
    """One statement of a customer: to what, given or taken back, which text, in which language, where and when."""

    __tablename__ = "customer_consents"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"]),
        CheckConstraint("purpose IN ('terms', 'marketing')", name="purpose"),
        CheckConstraint("action IN ('granted', 'withdrawn')", name="action"),
        CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
        Index("ix_customer_consents_merchant_id_customer_id_at", "merchant_id", "customer_id", "at"),
    )

    customer_id: Mapped[uuid.UUID]
    purpose: Mapped[str]
    action: Mapped[str]
    source: Mapped[str]
    text_version: Mapped[str]
    locale: Mapped[str]
    at: Mapped[dt.datetime]
