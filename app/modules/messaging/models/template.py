"""Mail templates: the platform's, and what merchants have made of them."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.core.db.base import Base

IS_LOCALE = "locale IN ('en', 'fr', 'de', 'lb')"


class EmailTemplate(Base):
    """A mail in one language, for every merchant that has no version of its own. Belongs to no merchant.

    `copy` is the sentences as they are, `standard_copy` as they were delivered; subject, HTML and text are compiled from `copy`.
    `title` and `occasion` say to those who edit it what it is and when it goes out; `samples` are values for a preview.
    """

    __tablename__ = "email_templates"
    __table_args__ = (
        CheckConstraint(IS_LOCALE, name="locale"),
        CheckConstraint("category IN ('service', 'reminder', 'marketing')", name="category"),
        CheckConstraint("sender IN ('merchant', 'platform')", name="sender"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    occasion: Mapped[str]
    category: Mapped[str]
    sender: Mapped[str]
    has_card: Mapped[bool] = mapped_column(server_default=false())
    button_link: Mapped[str]
    variables: Mapped[list[str]] = mapped_column(ARRAY(Text))
    required: Mapped[list[str]] = mapped_column(ARRAY(Text))
    samples: Mapped[dict[str, Any]]
    standard_copy: Mapped[dict[str, Any]]
    copy: Mapped[dict[str, Any]]
    subject: Mapped[str]
    html: Mapped[str]
    text: Mapped[str]
    updated_at: Mapped[dt.datetime]
    updated_by_user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenancy_users.id"))


class EmailTemplateOverride(Base):
    """A merchant's own version of a mail in one language."""

    __tablename__ = "email_template_overrides"
    __table_args__ = (ForeignKeyConstraint(["code", "locale"], ["email_templates.code", "email_templates.locale"], ondelete="CASCADE"),)

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    copy: Mapped[dict[str, Any]]
    subject: Mapped[str]
    html: Mapped[str]
    text: Mapped[str]
    updated_at: Mapped[dt.datetime]
    updated_by_user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenancy_users.id"))
