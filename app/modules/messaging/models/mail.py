"""The log of mails."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel


class MailLog(MerchantModel):
    """One mail: which template, to whom, and what became of it. `outbox_id` is the message that caused it.

    `queued` means that a try failed and another will follow. `recipient` is scrubbed when the person is erased.
    """

    __tablename__ = "messaging_mails"
    __table_args__ = (
        UniqueConstraint("merchant_id", "outbox_id"),
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"]),
        CheckConstraint("state IN ('queued', 'sent', 'failed', 'suppressed')", name="state"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
        Index("ix_messaging_mails_merchant_id_created_at", "merchant_id", "created_at"),
        Index("ix_messaging_mails_merchant_id_customer_id", "merchant_id", "customer_id"),
    )

    outbox_id: Mapped[uuid.UUID]
    template: Mapped[str]
    locale: Mapped[str]
    customer_id: Mapped[uuid.UUID | None]
    recipient: Mapped[str | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger)
    provider: Mapped[str | None]
    provider_message_id: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
