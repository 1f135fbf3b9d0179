"""The counter of a store: its staff's PINs, its terminals and the codes that pair them."""

import datetime as dt
import uuid

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel
from app.modules.loyalty.domain.enums import PinRole
from app.modules.loyalty.models.columns import belongs_to, counter, flag, is_not_negative, is_one_of


class StaffPin(MerchantModel):
    """A person of a store's staff as the terminal knows them: a name to choose and a PIN to type (B7)."""

    __tablename__ = "loyalty_staff_pins"
    __table_args__ = (
        belongs_to("store_id", "tenancy_stores"),
        is_one_of("role", PinRole),
        is_not_negative("failed_attempts"),
        Index("ix_loyalty_staff_pins_merchant_id_store_id", "merchant_id", "store_id"),
    )

    store_id: Mapped[uuid.UUID]
    display_name: Mapped[str]
    role: Mapped[str] = mapped_column(default=PinRole.STAFF.value, server_default=PinRole.STAFF.value)
    email_normalized: Mapped[str | None]
    user_id: Mapped[uuid.UUID | None]
    pin_hash: Mapped[str]
    failed_attempts: Mapped[int] = counter()
    locked_until: Mapped[dt.datetime | None]
    is_active: Mapped[bool] = flag()
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    disabled_at: Mapped[dt.datetime | None]


class Terminal(MerchantModel):
    """A device at a store's counter, paired once and until revoked."""

    __tablename__ = "loyalty_terminals"
    __table_args__ = (
        belongs_to("store_id", "tenancy_stores"),
        Index("ix_loyalty_terminals_merchant_id_store_id", "merchant_id", "store_id"),
    )

    store_id: Mapped[uuid.UUID]
    name: Mapped[str]
    paired_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]


class PairingCode(MerchantModel):
    """A one-time code that makes a device a store's terminal; used through the function `loyalty_use_pairing_code`.

    `attempts` counts how often the code was presented, also after its use or its end.
    """

    __tablename__ = "loyalty_pairing_codes"
    __table_args__ = (
        belongs_to("store_id", "tenancy_stores"),
        is_not_negative("attempts"),
        Index("uq_loyalty_pairing_codes_code_hash", "code_hash", unique=True),
    )

    code_hash: Mapped[bytes]
    store_id: Mapped[uuid.UUID]
    name: Mapped[str]
    created_by: Mapped[uuid.UUID | None]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    attempts: Mapped[int] = counter()
    created_at: Mapped[dt.datetime]
