"""Base of domain events: what happened, in the past tense, with ids and numbers only (never personal data)."""

import dataclasses
import uuid
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A fact that other modules may react to; written to the outbox in the transaction that made it true."""

    name: ClassVar[str] = ""

    def payload(self) -> dict[str, Any]:
        """Return the event's fields as JSON-ready values (UUIDs as text)."""
        values = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in values}
