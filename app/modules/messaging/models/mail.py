"""The log of mails."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base
from app.core.ids import new_id


class MailLog(Base):
    """One mail: which template, to whom, and what became of it. `outbox_id` is the message that caused it.

    `queued` means that a try failed and another will follow. It goes to a customer or to a user; mails about a user's password
    are the platform's and have no merchant. `recipient` is scrubbed when the person is erased. `is_test`: somebody sent it to
    themselves to see it. `delivery` is what the provider told after taking it.
    """

    __tablename__ = "email_logs"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"]),
        CheckConstraint("state IN ('queued', 'sent', 'failed', 'suppressed')", name="state"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
        CheckConstraint("num_nonnulls(customer_id, user_id) <= 1", name="one_person"),
        CheckConstraint("customer_id IS NULL OR merchant_id IS NOT NULL", name="customer_has_merchant"),
        Index("ix_email_logs_merchant_id_created_at", "merchant_id", "created_at"),
        Index("ix_email_logs_merchant_id_customer_id", "merchant_id", "customer_id"),
        CheckConstraint("delivery IN ('delivered', 'soft_bounce', 'hard_bounce', 'complaint')", name="delivery"),
        CheckConstraint("(delivery IS NULL) = (delivery_at IS NULL)", name="delivery_has_time"),
        Index("ix_email_logs_created_at_id", "created_at", "id"),
        Index("ix_email_logs_provider_message_id", "provider_message_id", postgresql_where=text("provider_message_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[uuid.UUID | None]
    outbox_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    template: Mapped[str]
    locale: Mapped[str]
    customer_id: Mapped[uuid.UUID | None]
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenancy_users.id"), index=True)
    recipient: Mapped[str | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger)
    provider: Mapped[str | None]
    provider_message_id: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    is_test: Mapped[bool] = mapped_column(server_default=false())
    delivery: Mapped[str | None]
    delivery_at: Mapped[dt.datetime | None]
