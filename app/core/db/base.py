"""Declarative base: naming convention, the shape of a tenant's table, and what rows in the trash have in common."""

import datetime as dt
import uuid
from typing import Any, ClassVar

from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every model. Instants are timestamptz, texts are text, documents are jsonb."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dt.datetime: DateTime(timezone=True),
        str: Text(),
        uuid.UUID: UUID(as_uuid=True),
        dict[str, Any]: JSONB(),
    }


class MerchantModel(Base):
    """A tenant's table: `merchant_id` comes first in the key, so that row-level security, composite foreign keys and a
    later distribution by tenant all rest on the same column."""

    __abstract__ = True

    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)

    def __init__(self, **values: Any) -> None:
        values.setdefault("id", new_id())
        super().__init__(**values)


class Trashable:
    """Mixin of models whose rows are put into the trash and taken out of it again.

    `deleted_at` is empty for a live row. Everything that went in one act has the same `deletion_id`: a merchant's stores,
    programs and cards come back with it, and what was there before stays. `deleted_by_user_id` is empty when the system acted.
    """

    deleted_at: Mapped[dt.datetime | None]
    deleted_by_user_id: Mapped[uuid.UUID | None]
    deletion_reason: Mapped[str] = mapped_column(default="", server_default="")
    deletion_id: Mapped[uuid.UUID | None]
