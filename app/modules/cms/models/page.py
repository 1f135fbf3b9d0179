"""Pages, what they say as a draft, and what was published."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import Base, MerchantModel

PAGE_KEYS = ["cms_pages.merchant_id", "cms_pages.id"]


class Page(MerchantModel):
    """A page of a store, or of all the merchant's stores (`store_id` null).

    `published_version` is the number that the public sees, null for a draft. `edited_at` is when the draft was last changed.
    A deleted page stays with its versions: people agreed to them.
    """

    __tablename__ = "cms_pages"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "store_id"], ["tenancy_stores.merchant_id", "tenancy_stores.id"], ondelete="CASCADE"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 60", name="slug_form"),
        Index(
            "uq_cms_pages_merchant_id_slug_store_id",
            "merchant_id",
            "slug",
            "store_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenancy_merchants.id"), primary_key=True)
    store_id: Mapped[uuid.UUID | None]
    slug: Mapped[str]
    is_in_footer: Mapped[bool] = mapped_column(default=True, server_default=true())
    published_version: Mapped[int | None]
    created_at: Mapped[dt.datetime]
    edited_at: Mapped[dt.datetime]
    deleted_at: Mapped[dt.datetime | None]


class PageDraft(Base):
    """What a page says in one language as it is being written; `revision` counts how often it was saved."""

    __tablename__ = "cms_page_drafts"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "page_id"], PAGE_KEYS, ondelete="CASCADE"),
        CheckConstraint("locale IN ('en', 'fr', 'de', 'lb')", name="locale"),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    page_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    updated_at: Mapped[dt.datetime]
    updated_by_user_id: Mapped[uuid.UUID | None]


class PageVersion(Base):
    """What was published, for ever: `texts` is {language: {title, body}}.

    Numbers run by the merchant and the slug, over all pages that ever had it, so that "terms, version 3" names one text.
    """

    __tablename__ = "cms_page_versions"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "page_id"], PAGE_KEYS, ondelete="CASCADE"),
        UniqueConstraint("merchant_id", "slug", "number"),
        CheckConstraint("number > 0", name="number_positive"),
    )

    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    page_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]
    texts: Mapped[dict[str, Any]]
    published_at: Mapped[dt.datetime]
    published_by_user_id: Mapped[uuid.UUID | None]
