"""Who was erased: kept for ever, to do it again when a backup brings them back."""

import datetime as dt
import uuid

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base


class Erasure(Base):
    """The id of an erased customer, when it was, and who did it: a role ("admin", "owner", "customer", "system"), and their id."""

    __tablename__ = "erasure_log"
    __table_args__ = (Index("ix_erasure_log_at", "at"),)

    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
