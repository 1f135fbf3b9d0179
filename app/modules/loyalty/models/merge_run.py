"""A run that merges people's cards (A12): how far it is, and what the sums were."""

import datetime as dt
import uuid

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel
from app.modules.loyalty.domain.enums import MergeRunStatus
from app.modules.loyalty.models.columns import counter, is_one_of


class MergeRun(MerchantModel):
    """One wish to merge: of one customer, or of everybody who holds several cards (`customer_id` NULL).

    Points are net of what is owed. `points_before` is `points_after` plus `points_expired`, which were due before the run.
    """

    __tablename__ = "loyalty_merge_runs"
    __table_args__ = (
        is_one_of("status", MergeRunStatus),
        Index("ix_loyalty_merge_runs_merchant_id_started_at", "merchant_id", "started_at"),
        Index("uq_loyalty_merge_runs_running", "merchant_id", unique=True, postgresql_where=text("status = 'running'")),
    )

    status: Mapped[str] = mapped_column(default=MergeRunStatus.RUNNING.value, server_default=MergeRunStatus.RUNNING.value)
    customer_id: Mapped[uuid.UUID | None]
    started_by: Mapped[uuid.UUID | None]
    last_customer_id: Mapped[uuid.UUID | None]
    customers_total: Mapped[int] = counter(is_big=True)
    customers_merged: Mapped[int] = counter(is_big=True)
    customers_skipped: Mapped[int] = counter(is_big=True)
    cards_merged: Mapped[int] = counter(is_big=True)
    stamps_before: Mapped[int] = counter(is_big=True)
    stamps_after: Mapped[int] = counter(is_big=True)
    points_before: Mapped[int] = counter(is_big=True)
    points_after: Mapped[int] = counter(is_big=True)
    points_expired: Mapped[int] = counter(is_big=True)
    started_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
