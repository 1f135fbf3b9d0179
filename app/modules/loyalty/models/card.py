"""A customer's card."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel, Trashable
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.models.columns import belongs_to, counter, is_not_negative, is_one_of, is_positive

LIVE = "deleted_at IS NULL AND status <> 'merged'"


class Card(Trashable, MerchantModel):
    """A customer's membership, enrolled at one store; balances are kept as the sums of the card's transactions.

    Written by the ledger under the card's lock. Updates stay on their page (HOT): there is room left on each, and no index
    names a column that a stamp changes.
    """

    __tablename__ = "loyalty_cards"
    __table_args__ = (
        belongs_to("customer_id", "customers"),
        belongs_to("program_id", "loyalty_programs"),
        belongs_to("enrolled_at_store_id", "tenancy_stores"),
        belongs_to("merged_into_id", "loyalty_cards"),
        is_one_of("status", CardStatus),
        CheckConstraint("merged_into_id IS NULL OR status = 'merged'", name="merged_into_known"),
        is_not_negative("points_owed"),
        CheckConstraint("points_owed = 0 OR points_balance <= 0", name="owed_without_balance"),
        is_not_negative("stamps_today"),
        is_not_negative("visit_count"),
        # B2, migration loyalty_003:
        is_not_negative("points_balance"),
        is_not_negative("stamp_count"),
        is_positive("stamps_target"),
        Index("uq_loyalty_cards_merchant_id_card_number", "merchant_id", "card_number", unique=True),
        Index(
            "uq_loyalty_cards_merchant_id_external_number",
            "merchant_id",
            "external_number",
            unique=True,
            postgresql_where=text("external_number IS NOT NULL"),
        ),
        Index("uq_loyalty_cards_merchant_id_qr_token", "merchant_id", "qr_token", unique=True),
        # A2, migration loyalty_004. One card per merchant, where the merchant wants that, is the enrollment's job.
        Index(
            "uq_loyalty_cards_live_per_store",
            "merchant_id",
            "enrolled_at_store_id",
            "customer_id",
            unique=True,
            postgresql_where=text(LIVE),
        ),
        Index("ix_loyalty_cards_merchant_id_customer_id", "merchant_id", "customer_id"),
        Index(
            "ix_loyalty_cards_merchant_id_merged_into_id",
            "merchant_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index("ix_loyalty_cards_merchant_id_created_at_id", "merchant_id", "created_at", "id"),
        Index("ix_loyalty_cards_merchant_id_store_created_at_id", "merchant_id", "enrolled_at_store_id", "created_at", "id"),
        # The trash, migration loyalty_007:
        Index(
            "ix_loyalty_cards_merchant_id_deleted_at_id",
            "merchant_id",
            "deleted_at",
            "id",
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
        Index(
            "ix_loyalty_cards_merchant_id_deletion_id_id",
            "merchant_id",
            "deletion_id",
            "id",
            postgresql_where=text("deletion_id IS NOT NULL"),
        ),
        # The platform's lists over all merchants, migration loyalty_009:
        Index("ix_loyalty_cards_created_at_id", "created_at", "id", postgresql_where=text("deleted_at IS NULL")),
        Index(
            "ix_loyalty_cards_status_created_at_id",
            "status",
            "created_at",
            "id",
            postgresql_where=text("deleted_at IS NULL AND status <> 'active'"),
        ),
        Index("ix_loyalty_cards_deleted_at_id", "deleted_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    customer_id: Mapped[uuid.UUID | None]
    program_id: Mapped[uuid.UUID]
    enrolled_at_store_id: Mapped[uuid.UUID]
    card_number: Mapped[str]
    qr_token: Mapped[str]
    external_number: Mapped[str | None]
    status: Mapped[str] = mapped_column(default=CardStatus.ACTIVE.value, server_default=CardStatus.ACTIVE.value)
    stamp_count: Mapped[int] = counter()
    points_balance: Mapped[int] = counter()
    points_owed: Mapped[int] = counter()
    stamps_target: Mapped[int]
    last_activity_at: Mapped[dt.datetime]
    last_stamp_at: Mapped[dt.datetime | None]
    stamps_day: Mapped[dt.date | None]
    stamps_today: Mapped[int] = counter()
    first_visit_at: Mapped[dt.datetime | None]
    visit_count: Mapped[int] = counter()
    total_stamps_earned: Mapped[int] = counter(is_big=True)
    total_stamps_redeemed: Mapped[int] = counter(is_big=True)
    total_stamps_voided: Mapped[int] = counter(is_big=True)
    total_points_earned: Mapped[int] = counter(is_big=True)
    total_points_redeemed: Mapped[int] = counter(is_big=True)
    total_points_voided: Mapped[int] = counter(is_big=True)
    merged_into_id: Mapped[uuid.UUID | None]
    last_expiration_warning_at: Mapped[dt.datetime | None]
    last_reengagement_at: Mapped[dt.datetime | None]
    notes: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    deactivated_at: Mapped[dt.datetime | None]
