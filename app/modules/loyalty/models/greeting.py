"""Who was greeted for their birthday."""

import datetime as dt
import uuid

from sqlalchemy import Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base
from app.modules.loyalty.models.columns import belongs_to


class BirthdayGreeting(Base):
    """A greeting of one year: the key is what makes it one per person, merchant and year (C6). It holds no date of birth."""

    __tablename__ = "loyalty_birthday_greetings"
    __table_args__ = (
        belongs_to("customer_id", "customers"),
        belongs_to("card_id", "loyalty_cards"),
        Index("ix_loyalty_birthday_greetings_merchant_id_card_id", "merchant_id", "card_id"),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    card_id: Mapped[uuid.UUID]
    created_at: Mapped[dt.datetime]
