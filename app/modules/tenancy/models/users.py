"""People who sign in, and what they are at which merchant."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base, MerchantModel
from app.core.ids import new_id
from app.modules.tenancy.models.merchants import LOCALE_CHECK


class User(Base):
    """A person with an e-mail address and a password; belongs to no merchant. Only orion_platform reads the secrets.

    `totp_secret` is encrypted with a key outside the database; `totp_last_step` is the last time step whose code was used.
    """

    __tablename__ = "tenancy_users"
    __table_args__ = (
        CheckConstraint(LOCALE_CHECK, name="locale"),
        Index("ix_tenancy_users_name", text("lower(display_name)"), "id"),
        Index("ix_tenancy_users_created_at", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]
    email_normalized: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[dt.datetime | None]
    totp_secret: Mapped[bytes | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    locale: Mapped[str]
    is_platform_admin: Mapped[bool] = mapped_column(default=False, server_default="false")
    created_at: Mapped[dt.datetime]
    disabled_at: Mapped[dt.datetime | None]
    last_signed_in_at: Mapped[dt.datetime | None]


class Membership(MerchantModel):
    """What a user is at a merchant. With `store_id` they work at that store only; `display_name` is their name in this team."""

    __tablename__ = "tenancy_memberships"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "store_id"], ["tenancy_stores.merchant_id", "tenancy_stores.id"]),
        UniqueConstraint("merchant_id", "user_id"),
        CheckConstraint("role IN ('owner', 'manager', 'staff')", name="role"),
        CheckConstraint("role <> 'owner' OR store_id IS NULL", name="owner_has_all_stores"),
        Index("ix_tenancy_memberships_user_id", "user_id"),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_users.id"))
    role: Mapped[str]
    store_id: Mapped[uuid.UUID | None]
    display_name: Mapped[str]
    created_at: Mapped[dt.datetime]
    last_signed_in_at: Mapped[dt.datetime | None]
