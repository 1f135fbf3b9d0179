"""A customer as other code sees one: values only, read inside a transaction and never written back."""

import dataclasses
import datetime as dt
import uuid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRecord:
    """One customer. Names and addresses are None after an erasure, and `anonymized_at` says when that was."""

    id: uuid.UUID
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    birth_date: dt.date | None
    locale: str
    registered_store_id: uuid.UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime
    anonymized_at: dt.datetime | None

    @property
    def is_anonymized(self) -> bool:
        """Whether the person behind this row was erased."""
        return self.anonymized_at is not None

    @property
    def full_name(self) -> str:
        """First and last name on one line, empty after an erasure."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


@dataclasses.dataclass(frozen=True, slots=True)
class LoginLinkRecord:
    """What is known of a mailed link when somebody opens it."""

    id: uuid.UUID
    customer_id: uuid.UUID
    purpose: str
    expires_at: dt.datetime
    used_at: dt.datetime | None

    def is_usable(self, now: dt.datetime) -> bool:
        """Whether the link still signs somebody in: not used, not expired."""
        return self.used_at is None and now < self.expires_at
