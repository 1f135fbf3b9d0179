"""Roles: who may give which, and that an owner remains."""

import pytest

from app.modules.tenancy.domain.roles import MERCHANT_ROLES, UserRole, assignable_roles, is_at_least, require_role_change, roles_from
from app.modules.tenancy.errors import LastOwnerException, RoleNotAssignableException

ADMIN, OWNER, MANAGER, STAFF = UserRole.ADMIN, UserRole.OWNER, UserRole.MANAGER, UserRole.STAFF


def test_roles_stand_above_each_other() -> None:
    assert roles_from(STAFF) == {OWNER, MANAGER, STAFF}
    assert roles_from(MANAGER) == {OWNER, MANAGER}
    assert roles_from(OWNER) == {OWNER}
    assert roles_from(ADMIN) == {ADMIN}
    assert is_at_least(OWNER, MANAGER)
    assert not is_at_least(STAFF, MANAGER)
    assert not is_at_least(ADMIN, STAFF)  # admins have a face of their own


@pytest.mark.parametrize(
    ("actor", "roles"), [(ADMIN, set(MERCHANT_ROLES)), (OWNER, set(MERCHANT_ROLES)), (MANAGER, {STAFF}), (STAFF, set())]
)
def test_who_may_give_what(actor: UserRole, roles: set[UserRole]) -> None:
    assert assignable_roles(actor) == roles


@pytest.mark.parametrize(
    ("actor", "old", "new"),
    [
        (MANAGER, None, MANAGER),
        (MANAGER, None, OWNER),
        (MANAGER, MANAGER, STAFF),
        (MANAGER, OWNER, None),
        (STAFF, None, STAFF),
        (STAFF, STAFF, None),
        (OWNER, None, ADMIN),
        (ADMIN, None, ADMIN),
    ],
)
def test_nobody_handles_a_role_above_their_own(actor: UserRole, old: UserRole | None, new: UserRole | None) -> None:
    with pytest.raises(RoleNotAssignableException):
        require_role_change(actor, old_role=old, new_role=new, other_owners=3)


@pytest.mark.parametrize(
    ("actor", "old", "new", "is_self"),
    [
        (MANAGER, None, STAFF, False),
        (MANAGER, STAFF, None, False),
        (OWNER, MANAGER, OWNER, False),
        (OWNER, OWNER, STAFF, True),
        (STAFF, STAFF, None, True),
        (MANAGER, MANAGER, STAFF, True),
        (ADMIN, OWNER, MANAGER, False),
    ],
)
def test_changes_that_are_allowed(actor: UserRole, old: UserRole | None, new: UserRole | None, is_self: bool) -> None:
    assert require_role_change(actor, old_role=old, new_role=new, other_owners=1, is_self=is_self) is None  # type: ignore[func-returns-value]


def test_nobody_raises_themselves() -> None:
    for actor, new in ((STAFF, MANAGER), (MANAGER, OWNER), (STAFF, STAFF)):
        with pytest.raises(RoleNotAssignableException):
            require_role_change(actor, old_role=actor, new_role=new, other_owners=3, is_self=True)


@pytest.mark.parametrize("new", [MANAGER, STAFF, None])
def test_an_owner_remains(new: UserRole | None) -> None:
    with pytest.raises(LastOwnerException):
        require_role_change(OWNER, old_role=OWNER, new_role=new, other_owners=0, is_self=True)
