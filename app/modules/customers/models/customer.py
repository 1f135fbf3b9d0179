"""A person who holds cards of a merchant. The merchant is the controller of this data (domain.md, Words)."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel

SEARCHED = Text(collation="C")
EMAIL_KEY = "replace(split_part(split_part(email_normalized, '@', 1), '+', 1), '.', '') || '@' || split_part(email_normalized, '@', 2)"


class Customer(MerchantModel):
    """One live row per merchant and e-mail address; after an erasure the row keeps its id, `anonymized_at` and no person."""

    __tablename__ = "customers"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "registered_store_id"], ["tenancy_stores.merchant_id", "tenancy_stores.id"]),
        CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
        CheckConstraint("anonymized_at IS NOT NULL OR num_nulls(first_name, last_name, email, email_normalized) = 0", name="live_is_known"),
        CheckConstraint(
            "anonymized_at IS NULL OR num_nonnulls(first_name, last_name, first_name_search, last_name_search, email, email_normalized,"
            " phone, phone_normalized) = 0",
            name="erased_is_empty",
        ),
        CheckConstraint("anonymized_at IS NULL OR birth_date IS NULL", name="erased_has_no_birth_date"),
        Index(
            "uq_customers_merchant_id_email_normalized",
            "merchant_id",
            "email_normalized",
            unique=True,
            postgresql_where=text("anonymized_at IS NULL"),
        ),
        Index("ix_customers_merged_into_id", "merchant_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        ForeignKeyConstraint(["merchant_id", "merged_into_id"], ["customers.merchant_id", "customers.id"]),
        CheckConstraint("merged_into_id IS NULL OR anonymized_at IS NOT NULL", name="merged_is_empty"),
        Index("ix_customers_merchant_id_email_key", "merchant_id", "email_key"),
        Index("ix_customers_merchant_id_phone_reversed", "merchant_id", "phone_reversed"),
        Index("ix_customers_merchant_id_last_name_search", "merchant_id", "last_name_search", "first_name_search"),
        Index("ix_customers_merchant_id_first_name_search", "merchant_id", "first_name_search", "last_name_search"),
        Index(
            "ix_customers_retention_warned",
            "merchant_id",
            "retention_warned_at",
            postgresql_where=text("retention_warned_at IS NOT NULL AND anonymized_at IS NULL"),
        ),
    )

    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    first_name_search: Mapped[str | None] = mapped_column(SEARCHED)
    last_name_search: Mapped[str | None] = mapped_column(SEARCHED)
    email: Mapped[str | None]
    email_normalized: Mapped[str | None] = mapped_column(SEARCHED)
    phone: Mapped[str | None]
    phone_normalized: Mapped[str | None] = mapped_column(SEARCHED)
    phone_reversed: Mapped[str | None] = mapped_column(SEARCHED, Computed("reverse(phone_normalized)", persisted=True))
    locale: Mapped[str]
    birth_date: Mapped[dt.date | None]
    registered_store_id: Mapped[uuid.UUID | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    anonymized_at: Mapped[dt.datetime | None]
    retention_warned_at: Mapped[dt.datetime | None]
    merged_into_id: Mapped[uuid.UUID | None]
    email_key: Mapped[str | None] = mapped_column(SEARCHED, Computed(EMAIL_KEY, persisted=True))
