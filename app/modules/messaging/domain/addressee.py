"""Who a mail is for."""

import dataclasses
import uuid


@dataclasses.dataclass(frozen=True, slots=True)
class Addressee:
    """A customer or a user, one of them, and their language. `email` is None when there is no address to write to any more."""

    email: str | None
    locale: str
    customer_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None
