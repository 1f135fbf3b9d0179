"""What the tables of loyalty have in common: checks made from the domain's vocabularies, counters, keys to other tables."""

import enum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column


def is_one_of(column: str, vocabulary: type[enum.StrEnum]) -> CheckConstraint:
    """Return the check that `column` holds a word of `vocabulary`."""
    words = ", ".join(f"'{word}'" for word in vocabulary)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")


def is_not_negative(column: str) -> CheckConstraint:
    """Return the check that `column` is 0 or more."""
    return CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative")


def is_positive(column: str) -> CheckConstraint:
    """Return the check that `column` is 1 or more."""
    return CheckConstraint(f"{column} >= 1", name=f"{column}_positive")


def belongs_to(column: str, table: str) -> ForeignKeyConstraint:
    """Return the foreign key (merchant_id, `column`) to `table`: a row can only point to a row of its own merchant."""
    return ForeignKeyConstraint(["merchant_id", column], [f"{table}.merchant_id", f"{table}.id"])


def counter(*, is_big: bool = False) -> Mapped[int]:
    """Return a whole number that starts at 0; `is_big` for sums over a lifetime, which outgrow 32 bits."""
    return mapped_column(BigInteger if is_big else Integer, default=0, server_default="0")


def setting(value: int) -> Mapped[int]:
    """Return a whole number that starts at `value`."""
    return mapped_column(default=value, server_default=str(value))


def flag() -> Mapped[bool]:
    """Return a yes or no that starts as yes."""
    return mapped_column(default=True, server_default="true")
