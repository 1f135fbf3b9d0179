"""Permissions: declared by modules as data, read live on every request.

A permission is named `module.noun.verb` and lists the roles that hold it. The roles are the platform's admin, a merchant's
owner, manager and staff, and the customer for their own data.
"""

import dataclasses
import uuid
from collections.abc import Iterable
from typing import Literal

Role = Literal["admin", "owner", "manager", "staff", "customer", "public"]

OWNERS: frozenset[Role] = frozenset({"owner"})
MANAGERS: frozenset[Role] = frozenset({"owner", "manager"})
STAFF: frozenset[Role] = frozenset({"owner", "manager", "staff"})
ADMINS: frozenset[Role] = frozenset({"admin"})
CUSTOMERS: frozenset[Role] = frozenset({"customer"})
PUBLIC: frozenset[Role] = frozenset({"public", "customer", "staff", "manager", "owner", "admin"})


@dataclasses.dataclass(frozen=True, slots=True)
class Permission:
    """One right: its name and the roles that hold it.

    `is_for_whole_business`: somebody bound to one of the merchant's stores does not hold it, as it concerns the others as well.
    `is_merchants_alone`: the platform's admin who acts for the merchant does not hold it.
    """

    name: str
    roles: frozenset[Role]
    is_for_whole_business: bool = False
    is_merchants_alone: bool = False


CORE = (
    # Running the platform: processes, background work, the database.
    Permission("core.health.view", ADMINS),
    Permission("core.outbox.retry", ADMINS),
    Permission("core.job.run", ADMINS),
)
"""The rights of core's own routes, known without any module."""

_registry: dict[str, Permission] = {permission.name: permission for permission in CORE}


def register(permissions: Iterable[Permission]) -> None:
    """Make a module's permissions known; a name declared twice in different ways raises ValueError."""
    for permission in permissions:
        if _registry.setdefault(permission.name, permission) != permission:
            raise ValueError(f"permission {permission.name} is declared twice with different roles")


def roles_for(name: str) -> frozenset[Role]:
    """Return the roles that hold the permission `name`; KeyError when no module declares it."""
    return _registry[name].roles


def is_allowed(name: str, role: str | None, *, bound_to: uuid.UUID | None = None, is_acting: bool = False) -> bool:
    """Return whether `role` holds the permission `name`.

    `bound_to` is the one store that the person may manage, if it is one; `is_acting`: it is the platform's admin who acts for them.
    """
    permission = _registry[name]
    if is_acting and permission.is_merchants_alone:
        return False
    return role in permission.roles and not (permission.is_for_whole_business and bound_to is not None)
