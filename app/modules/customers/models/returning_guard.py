"""What is remembered of erased people: a keyed hash, so that nobody collects welcome bonuses by erasing themselves."""

import datetime as dt

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from app.core.db.base import MerchantModel


class ReturningGuard(MerchantModel):
    """The fingerprint of an erased customer's e-mail address; it leads back to no customer and goes after `guarded_until`."""

    __tablename__ = "customer_returning_guards"
    __table_args__ = (
        UniqueConstraint("merchant_id", "fingerprint"),
        CheckConstraint("guarded_until > erased_on", name="period"),
        Index("ix_customer_returning_guards_guarded_until", "guarded_until"),
    )

    fingerprint: Mapped[bytes]
    erased_on: Mapped[dt.date]
    guarded_until: Mapped[dt.date]
