"""What stands for a signed-in caller: sessions, API keys, links to set a password, and counters of wrong tries."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base, MerchantModel
from app.core.ids import new_id

STORE_KEY = ("tenancy_stores.merchant_id", "tenancy_stores.id")


class Session(Base):
    """A signed-in user, a paired terminal or a customer. Only the hash of its token is kept, and no address.

    A user's session names the merchant (and store) they chose; role and rights are read live from the membership.
    """

    __tablename__ = "tenancy_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "store_id"], STORE_KEY),
        CheckConstraint(
            """CASE kind WHEN 'user' THEN user_id IS NOT NULL
                         WHEN 'terminal' THEN merchant_id IS NOT NULL AND store_id IS NOT NULL AND terminal_id IS NOT NULL
                         WHEN 'customer' THEN merchant_id IS NOT NULL AND customer_id IS NOT NULL
                         ELSE false END""",
            name="kind",
        ),
        CheckConstraint("idle_seconds > 0", name="idle_seconds"),
        Index("ix_tenancy_sessions_user_id", "user_id"),
        Index("ix_tenancy_sessions_merchant_id_terminal_id", "merchant_id", "terminal_id"),
        Index("ix_tenancy_sessions_merchant_id_customer_id", "merchant_id", "customer_id"),
        Index("ix_tenancy_sessions_expires_at", "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    kind: Mapped[str]
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenancy_users.id"))
    merchant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenancy_merchants.id"))
    store_id: Mapped[uuid.UUID | None]
    terminal_id: Mapped[uuid.UUID | None]
    customer_id: Mapped[uuid.UUID | None]
    staff_pin_id: Mapped[uuid.UUID | None]
    unlocked_until: Mapped[dt.datetime | None]
    second_factor_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]
    idle_seconds: Mapped[int | None]
    expires_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]


class ApiKey(MerchantModel):
    """A key for scripts. It does no more than `role`, and no more than its user may do today."""

    __tablename__ = "tenancy_api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "store_id"], STORE_KEY),
        CheckConstraint("role IN ('owner', 'manager', 'staff')", name="role"),
        Index("ix_tenancy_api_keys_user_id", "user_id"),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_users.id"))
    name: Mapped[str]
    role: Mapped[str]
    store_id: Mapped[uuid.UUID | None]
    created_at: Mapped[dt.datetime]
    last_used_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class PasswordLink(Base):
    """A mailed link to set a password: single use. Its token is derived from the id, so that only the id travels in the outbox."""

    __tablename__ = "tenancy_password_links"
    __table_args__ = (Index("ix_tenancy_password_links_user_id", "user_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_users.id"))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class LoginCounter(Base):
    """Wrong tries of one subject (an e-mail address, a person's code, a caller's address), under its keyed hash."""

    __tablename__ = "tenancy_login_counters"
    __table_args__ = (Index("ix_tenancy_login_counters_window_started_at", "window_started_at"),)

    subject: Mapped[bytes] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    window_started_at: Mapped[dt.datetime]
    locked_until: Mapped[dt.datetime | None]
