"""A merchant's program, its rewards, and the merchant's settings around them."""

import datetime as dt
import decimal
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base, MerchantModel, Trashable
from app.core.money import MAX_POINTS
from app.modules.loyalty.domain.enums import PinPolicy, ProgramType, VoidPolicy
from app.modules.loyalty.domain.pins import DEFAULT_PIN_LENGTH, DEFAULT_UNLOCK_MINUTES, LOCK_MINUTES, MAX_TRIES
from app.modules.loyalty.domain.program import DEFAULT_REENGAGEMENT_DAYS
from app.modules.loyalty.models.columns import belongs_to, counter, flag, is_not_negative, is_one_of, is_positive, setting


class Program(Trashable, MerchantModel):
    """What a merchant's customers collect and by which rules (B1). A merchant has one live program at a time."""

    __tablename__ = "loyalty_programs"
    __table_args__ = (
        belongs_to("owning_store_id", "tenancy_stores"),
        is_one_of("type", ProgramType),
        CheckConstraint("colour ~* '^#[0-9a-f]{6}$'", name="colour_form"),
        is_not_negative("stamp_cooldown_minutes"),
        is_positive("max_stamps_per_day"),
        is_not_negative("minimum_redemption_points"),
        is_positive("points_expiration_days"),
        is_positive("reengagement_days"),
        is_positive("terms_version"),
        # B2, migration loyalty_003:
        is_positive("stamps_target"),
        is_not_negative("points_per_euro"),
        is_not_negative("welcome_bonus_points"),
        is_not_negative("minimum_purchase_cents"),
        # migration loyalty_006:
        CheckConstraint(f"birthday_bonus_points BETWEEN 0 AND {MAX_POINTS}", name="birthday_bonus_points_range"),
        Index("uq_loyalty_programs_live", "merchant_id", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    type: Mapped[str]
    name: Mapped[str]
    card_name: Mapped[str]
    colour: Mapped[str]
    logo_path: Mapped[str | None]
    is_active: Mapped[bool] = flag()
    stamps_target: Mapped[int] = setting(10)
    stamp_reward: Mapped[str] = mapped_column(default="", server_default="")
    stamp_cooldown_minutes: Mapped[int] = counter()
    max_stamps_per_day: Mapped[int | None]
    points_per_euro: Mapped[decimal.Decimal] = mapped_column(Numeric(10, 4), default=decimal.Decimal(1), server_default="1")
    welcome_bonus_points: Mapped[int] = counter()
    minimum_purchase_cents: Mapped[int] = counter()
    minimum_redemption_points: Mapped[int] = counter()
    points_expiration_days: Mapped[int | None]
    expiration_changed_at: Mapped[dt.datetime | None]
    reengagement_days: Mapped[int] = setting(DEFAULT_REENGAGEMENT_DAYS)
    birthday_bonus_points: Mapped[int] = counter()
    terms_text: Mapped[str] = mapped_column(default="", server_default="")
    terms_version: Mapped[int] = setting(1)
    terms_cms_page_slug: Mapped[str | None]
    owning_store_id: Mapped[uuid.UUID | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class Reward(MerchantModel):
    """Something that points buy. What a full stamp card gives is `Program.stamp_reward`."""

    __tablename__ = "loyalty_rewards"
    __table_args__ = (
        belongs_to("program_id", "loyalty_programs"),
        is_positive("cost_points"),
        Index("ix_loyalty_rewards_merchant_id_program_id", "merchant_id", "program_id"),
    )

    program_id: Mapped[uuid.UUID]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    cost_points: Mapped[int]
    is_active: Mapped[bool] = flag()
    sort_order: Mapped[int] = counter()
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    deleted_at: Mapped[dt.datetime | None]


class TermsText(Base):
    """A text that a program's own terms have or had; a consent refers to its number. It outlasts the program."""

    __tablename__ = "loyalty_terms_texts"

    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    program_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    created_at: Mapped[dt.datetime]


class MerchantSettings(Base):
    """A merchant's choices for all its terminals, one row per merchant.

    The row is also the merchant's enrollment lock (domain.md, Identity): enrollments take it shared, the switch of
    `allow_cross_location_redemption` takes it exclusively.
    """

    __tablename__ = "loyalty_merchant_settings"
    __table_args__ = (
        is_one_of("pin_policy", PinPolicy),
        CheckConstraint("pin_length IN (4, 6)", name="pin_length_known"),
        is_not_negative("unlock_minutes"),
        is_positive("max_pin_attempts"),
        is_positive("pin_lock_minutes"),
        is_one_of("void_policy", VoidPolicy),
        is_not_negative("redeem_limit_points"),
        is_not_negative("adjust_limit_points"),
        CheckConstraint("retention_years BETWEEN 1 AND 10", name="retention_years_range"),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    allow_cross_location_redemption: Mapped[bool] = flag()
    pin_policy: Mapped[str] = mapped_column(default=PinPolicy.REQUIRED.value, server_default=PinPolicy.REQUIRED.value)
    pin_length: Mapped[int] = setting(DEFAULT_PIN_LENGTH)
    unlock_minutes: Mapped[int] = setting(DEFAULT_UNLOCK_MINUTES)
    max_pin_attempts: Mapped[int] = setting(MAX_TRIES)
    pin_lock_minutes: Mapped[int] = setting(LOCK_MINUTES)
    void_policy: Mapped[str] = mapped_column(default=VoidPolicy.BLOCK.value, server_default=VoidPolicy.BLOCK.value)
    redeem_limit_points: Mapped[int | None]
    adjust_limit_points: Mapped[int | None]
    retention_years: Mapped[int | None] = mapped_column(SmallInteger)
    updated_at: Mapped[dt.datetime]
