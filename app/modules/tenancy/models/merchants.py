"""Merchants (the tenants) and their stores."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base, MerchantModel, Trashable
from app.core.ids import new_id

LOCALE_CHECK = "locale IN ('en', 'fr', 'de', 'lb')"


class Merchant(Trashable, Base):
    """A business; its `id` is the `merchant_id` of everything it owns. `time_zone` rules birthdays, expiry and months."""

    __tablename__ = "tenancy_merchants"
    __table_args__ = (
        CheckConstraint(LOCALE_CHECK, name="locale"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("status IN ('active', 'suspended')", name="status"),
        Index("ix_tenancy_merchants_deleted_at_id", "deleted_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    contact_email: Mapped[str | None]
    time_zone: Mapped[str]
    locale: Mapped[str]
    currency: Mapped[str] = mapped_column(default="EUR")
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[dt.datetime]
    suspended_at: Mapped[dt.datetime | None]


Index("ix_tenancy_merchants_name", func.lower(Merchant.name), Merchant.id)


class Store(Trashable, MerchantModel):
    """A place of business. `code` is its public address; `time_zone` says when its day begins, for daily limits."""

    __tablename__ = "tenancy_stores"
    __table_args__ = (
        CheckConstraint(LOCALE_CHECK, name="locale"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        # A store in the trash keeps its code from others, not from its own merchant (`tenancy_is_store_code_free`).
        Index("uq_tenancy_stores_code", "code", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("ix_tenancy_stores_code", "code"),
        Index("ix_tenancy_stores_deleted_at_id", "deleted_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    address_line: Mapped[str]
    postal_code: Mapped[str]
    city: Mapped[str]
    country: Mapped[str]
    time_zone: Mapped[str]
    locale: Mapped[str]
    phone: Mapped[str | None]
    opening_text: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="open")
    created_at: Mapped[dt.datetime]
