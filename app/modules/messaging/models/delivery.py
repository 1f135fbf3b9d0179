"""Addresses that get no mail, and mails that customers do without."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base
from app.core.ids import new_id


class Suppression(Base):
    """An address, as a keyed hash, to which a merchant (the platform where there is none) sends nothing, until `ends_at` if set."""

    __tablename__ = "email_suppressions"
    __table_args__ = (
        UniqueConstraint("merchant_id", "fingerprint", postgresql_nulls_not_distinct=True),
        CheckConstraint("reason IN ('hard_bounce', 'complaint', 'manual', 'soft_bounces')", name="reason"),
        CheckConstraint("(reason = 'soft_bounces') = (ends_at IS NOT NULL)", name="only_pauses_end"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    merchant_id: Mapped[uuid.UUID | None]
    fingerprint: Mapped[bytes]
    reason: Mapped[str]
    created_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime | None]


class SoftBounce(Base):
    """A mail that bounced for now; three within 30 days pause its address. Older ones go when the next is counted."""

    __tablename__ = "email_soft_bounces"
    __table_args__ = (Index("ix_email_soft_bounces_merchant_id_fingerprint_at", "merchant_id", "fingerprint", "at"),)

    mail_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[uuid.UUID | None]
    fingerprint: Mapped[bytes]
    at: Mapped[dt.datetime]


class OptOut(Base):
    """A customer who does without the mails of a category. Marketing is no such category: it needs consent, kept by customers."""

    __tablename__ = "email_opt_outs"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customers.merchant_id", "customers.id"]),
        CheckConstraint("category IN ('reminder')", name="category"),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[dt.datetime]
