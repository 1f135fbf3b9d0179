"""The ledger: a card's history, one immutable row per change."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from app.core.db.base import MerchantModel
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.models.columns import belongs_to, counter, is_not_negative, is_one_of


class Transaction(MerchantModel):
    """One row of a card's history; written by the ledger only, never changed or deleted (B5).

    It holds no personal data: an address or a reason lives in the audit log (B7). The card is its only foreign key, the other
    ids are checked in the ledger's locking read, since each key costs every stamp.
    """

    __tablename__ = "loyalty_transactions"
    __table_args__ = (
        belongs_to("card_id", "loyalty_cards"),
        is_one_of("type", TransactionType),
        is_not_negative("stamps_after"),
        is_not_negative("points_after"),
        is_not_negative("owed_after"),
        is_not_negative("points_forgiven"),
        is_not_negative("stamps_forgiven"),
        CheckConstraint("char_length(order_reference) BETWEEN 1 AND 64", name="order_reference_length"),
        CheckConstraint("char_length(op_key) BETWEEN 1 AND 400", name="op_key_length"),
        Index("uq_loyalty_transactions_op_key", "merchant_id", "op_key", unique=True),
        Index(
            "uq_loyalty_transactions_reverses_id",
            "merchant_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(
            "uq_loyalty_transactions_order_reference",
            "merchant_id",
            "store_id",
            "order_reference",
            unique=True,
            postgresql_where=text("order_reference IS NOT NULL AND type = 'points_earned'"),
        ),
        Index(
            "ix_loyalty_transactions_merchant_id_refunds_id",
            "merchant_id",
            "refunds_id",
            postgresql_where=text("refunds_id IS NOT NULL"),
        ),
        Index("ix_loyalty_transactions_merchant_id_card_id_created_at_id", "merchant_id", "card_id", "created_at", "id"),
        Index("ix_loyalty_transactions_merchant_id_created_at", "merchant_id", "created_at"),
    )

    card_id: Mapped[uuid.UUID]
    store_id: Mapped[uuid.UUID | None]
    type: Mapped[str]
    stamps_delta: Mapped[int]
    points_delta: Mapped[int]
    owed_delta: Mapped[int]
    stamps_after: Mapped[int]
    points_after: Mapped[int]
    owed_after: Mapped[int]
    points_forgiven: Mapped[int] = counter()
    stamps_forgiven: Mapped[int] = counter()
    amount_cents: Mapped[int | None]
    points_rate: Mapped[int | None]
    stamps_target: Mapped[int | None]
    quota_day: Mapped[dt.date | None]
    reverses_id: Mapped[uuid.UUID | None]
    refunds_id: Mapped[uuid.UUID | None]
    reward_id: Mapped[uuid.UUID | None]
    order_reference: Mapped[str | None]
    op_key: Mapped[str]
    terminal_id: Mapped[uuid.UUID | None]
    staff_pin_id: Mapped[uuid.UUID | None]
    user_id: Mapped[uuid.UUID | None]
    acting_admin_id: Mapped[uuid.UUID | None]
    created_at: Mapped[dt.datetime]
