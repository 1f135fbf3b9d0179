"""Imports from other systems (G8): a file, how far it is, and what is wrong with which line."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.base import MerchantModel
from app.modules.loyalty.domain.enums import ImportStatus
from app.modules.loyalty.models.columns import counter, is_one_of


class Import(MerchantModel):
    """One file. The file itself lies among core's files until the import is done, seven days at most.

    `choices` say how to read it and what to do (columns by position, no cell of the file); `attempt` counts checks and tells a
    check that was overtaken by another.
    """

    __tablename__ = "loyalty_imports"
    __table_args__ = (
        is_one_of("status", ImportStatus),
        Index("ix_loyalty_imports_merchant_id_created_at_id", "merchant_id", "created_at", "id"),
    )

    status: Mapped[str]
    file_name: Mapped[str]
    file_id: Mapped[uuid.UUID | None]
    encoding: Mapped[str | None]
    choices: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    attempt: Mapped[int] = counter()
    size_bytes: Mapped[int] = counter()
    lines: Mapped[int] = counter()
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    error: Mapped[str | None]
    user_id: Mapped[uuid.UUID | None]
    acting_admin_id: Mapped[uuid.UUID | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]


class ImportProblem(MerchantModel):
    """One thing that is wrong with a line, as a code: nothing of the line itself is kept."""

    __tablename__ = "loyalty_import_problems"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "import_id"], ["loyalty_imports.merchant_id", "loyalty_imports.id"], ondelete="CASCADE"),
        Index("ix_loyalty_import_problems_merchant_id_import_id_line_id", "merchant_id", "import_id", "line", "id"),
    )

    import_id: Mapped[uuid.UUID]
    line: Mapped[int]
    field: Mapped[str]
    problem: Mapped[str]
