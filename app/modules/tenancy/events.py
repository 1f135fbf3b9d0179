"""What happened in tenancy that other modules may react to."""

import dataclasses
import uuid
from typing import ClassVar

from app.core.events import Event


@dataclasses.dataclass(frozen=True, slots=True)
class UserInvited(Event):
    """A person was added to a merchant's team; with `link_id` they have no password yet and need a link to set one."""

    name: ClassVar[str] = "tenancy.user_invited"

    user_id: uuid.UUID
    membership_id: uuid.UUID
    link_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True)
class PasswordLinkRequested(Event):
    """Somebody asked for a link to set a new password."""

    name: ClassVar[str] = "tenancy.password_link_requested"

    user_id: uuid.UUID
    link_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    """A password was changed; its owner should hear of it."""

    name: ClassVar[str] = "tenancy.password_changed"

    user_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class MerchantCreated(Event):
    """A merchant was created; modules may set up what it needs."""

    name: ClassVar[str] = "tenancy.merchant_created"

    merchant_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class StoreCreated(Event):
    """A store was created."""

    name: ClassVar[str] = "tenancy.store_created"

    store_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class StoreClosed(Event):
    """A store was closed: its terminals and its storefront no longer work."""

    name: ClassVar[str] = "tenancy.store_closed"

    store_id: uuid.UUID
