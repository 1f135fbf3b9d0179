"""Roles of the people who work for a merchant, and who may give them to whom. Rights themselves are declared as permissions."""

import enum

from app.modules.tenancy.errors import LastOwnerException, RoleNotAssignableException


class UserRole(enum.StrEnum):
    """What a user is. Admins belong to the platform, all others to one merchant; staff only to some of its stores."""

    ADMIN = "admin"
    OWNER = "owner"
    MANAGER = "manager"
    STAFF = "staff"


MERCHANT_ROLES = (UserRole.OWNER, UserRole.MANAGER, UserRole.STAFF)
"""The roles of a membership, highest first."""

_ASSIGNABLE: dict[UserRole, frozenset[UserRole]] = {
    UserRole.ADMIN: frozenset(MERCHANT_ROLES),
    UserRole.OWNER: frozenset(MERCHANT_ROLES),
    UserRole.MANAGER: frozenset({UserRole.STAFF}),
    UserRole.STAFF: frozenset(),
}


def roles_from(lowest: UserRole) -> frozenset[UserRole]:
    """Return `lowest` and every merchant role above it: what a permission for staff, managers or owners lists.

    The platform's admin is never among them: admins act on behalf of a merchant by their own face (G6).
    """
    if lowest is UserRole.ADMIN:
        return frozenset({UserRole.ADMIN})
    return frozenset(MERCHANT_ROLES[: MERCHANT_ROLES.index(lowest) + 1])


def is_at_least(role: UserRole, lowest: UserRole) -> bool:
    """Return whether `role` is `lowest` or above it."""
    return role in roles_from(lowest)


def assignable_roles(actor: UserRole) -> frozenset[UserRole]:
    """Return the roles that `actor` may give, take away, or remove the bearer of."""
    return _ASSIGNABLE[actor]


def require_role_change(
    actor: UserRole, *, old_role: UserRole | None, new_role: UserRole | None, other_owners: int, is_self: bool = False
) -> None:
    """Refuse a change of a membership from `old_role` to `new_role`; None is no membership, before inviting or after removing.

    `other_owners` counts the merchant's active owners besides the person. Raises RoleNotAssignableException when the actor may not
    handle one of the roles (everybody may step down), LastOwnerException when the merchant would be left without an owner.
    """
    allowed = assignable_roles(actor)
    steps_down = is_self and (new_role is None or new_role in allowed)
    for role in (old_role, new_role):
        if role is not None and role not in allowed and not (steps_down and role is old_role):
            raise RoleNotAssignableException
    if old_role is UserRole.OWNER and new_role is not UserRole.OWNER and other_owners < 1:
        raise LastOwnerException
