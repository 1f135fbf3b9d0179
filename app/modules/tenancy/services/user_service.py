"""A merchant's team: who belongs to it, as what, and where. Rights are read live; a change ends the person's sessions here."""

import datetime as dt
import uuid

from sqlalchemy import delete, update

from app.core import audit
from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.tenancy.domain.email_address import require_email
from app.modules.tenancy.domain.roles import UserRole, require_role_change
from app.modules.tenancy.errors import (
    AlreadyMemberException,
    InvitationAcceptedException,
    MemberNotFoundException,
    RoleNotAssignableException,
    StoreForRoleException,
)
from app.modules.tenancy.events import UserInvited
from app.modules.tenancy.models import Membership
from app.modules.tenancy.queries import locks
from app.modules.tenancy.queries import stores as store_queries
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.queries.locks import LockedMembership
from app.modules.tenancy.queries.users import MemberView
from app.modules.tenancy.services import session_service

INVITATION_LIFETIME = dt.timedelta(days=7)


async def list_members(ctx: Ctx) -> list[MemberView]:
    """Return the team: owners, managers, staff, each by name."""
    return await user_queries.list_members(ctx.conn, ctx.merchant_id)


async def get_member(ctx: Ctx, membership_id: uuid.UUID) -> MemberView:
    """Return one of the team; MemberNotFoundException."""
    return await user_queries.get_member(ctx.conn, ctx.merchant_id, membership_id)


async def invite_member(
    ctx: Ctx, *, email: str, display_name: str, role: str, store_id: uuid.UUID | None = None, locale: str = "fr"
) -> MemberView:
    """Add a person to the team and return them. Somebody new gets a link to set a password by mail, valid for seven days.

    Whether the person already uses the platform elsewhere is not told. Raises EmailInvalidException, AlreadyMemberException,
    StoreNotFoundException, StoreForRoleException, RoleNotAssignableException.
    """
    require_role_change(UserRole(ctx.actor.role), old_role=None, new_role=UserRole(role), other_owners=0)
    await _require_store(ctx, role, store_id)
    user_id, link_id = await _make_link(ctx, email=email, display_name=display_name, locale=locale)
    if await user_queries.find_member_of_user(ctx.conn, ctx.merchant_id, user_id) is not None:
        raise AlreadyMemberException
    membership = Membership(
        merchant_id=ctx.merchant_id, user_id=user_id, role=role, store_id=store_id, display_name=display_name, created_at=ctx.now
    )
    ctx.session.add(membership)
    await ctx.session.flush()
    await audit.record(ctx, "tenancy.member.invited", "membership", membership.id, role=role, store_id=store_id)
    ctx.emit(UserInvited(user_id, membership.id, link_id))
    return await user_queries.get_member(ctx.conn, ctx.merchant_id, membership.id)


async def invite_again(ctx: Ctx, membership_id: uuid.UUID) -> MemberView:
    """Mail somebody who has not come yet their invitation once more, with a new link valid for seven days, and return them.

    Raises MemberNotFoundException, RoleNotAssignableException, InvitationAcceptedException.
    """
    team = await locks.lock_memberships(ctx.conn, ctx.merchant_id)
    old = _require_in_team(ctx, team, membership_id)
    role = UserRole(old.role)
    require_role_change(UserRole(ctx.actor.role), old_role=role, new_role=role, other_owners=1)
    member = await user_queries.get_member(ctx.conn, ctx.merchant_id, membership_id)
    if member.last_signed_in_at is not None:
        raise InvitationAcceptedException
    user_id, link_id = await _make_link(ctx, email=member.email, display_name=member.display_name, locale=member.locale)
    await audit.record(ctx, "tenancy.member.invited_again", "membership", membership_id)
    ctx.emit(UserInvited(user_id, membership_id, link_id))
    return member


async def _make_link(ctx: Ctx, *, email: str, display_name: str, locale: str) -> tuple[uuid.UUID, uuid.UUID | None]:
    """Return the user with the address, made if there is none, and a link if they have no password yet."""
    return await user_queries.invite(
        ctx.conn,
        user_id=new_id(),
        email=email.strip(),
        email_normalized=require_email(email),
        display_name=display_name,
        locale=locale,
        link_id=new_id(),
        link_expires_at=ctx.now + INVITATION_LIFETIME,
        now=ctx.now,
    )


async def change_member(ctx: Ctx, membership_id: uuid.UUID, *, role: str, store_id: uuid.UUID | None, display_name: str) -> MemberView:
    """Change what a person is and return them; another role or store ends their sessions at this merchant.

    Raises MemberNotFoundException, LastOwnerException, RoleNotAssignableException, StoreNotFoundException, StoreForRoleException.
    """
    team = await locks.lock_memberships(ctx.conn, ctx.merchant_id)
    old = _require_in_team(ctx, team, membership_id)
    if role != old.role:
        _require_change(ctx, team, old, UserRole(role))
    elif old.user_id != ctx.actor.user_id or store_id != old.store_id:
        require_role_change(UserRole(ctx.actor.role), old_role=UserRole(old.role), new_role=UserRole(old.role), other_owners=0)
    await _require_store(ctx, role, store_id)
    statement = update(Membership).where(Membership.merchant_id == ctx.merchant_id, Membership.id == membership_id)
    await ctx.session.execute(statement.values(role=role, store_id=store_id, display_name=display_name))
    if (role, store_id) != (old.role, old.store_id):
        await session_service.revoke_all_for_user(ctx, old.user_id)
        await audit.record(ctx, "tenancy.member.changed", "membership", membership_id, old=[old.role, old.store_id], new=[role, store_id])
    return await user_queries.get_member(ctx.conn, ctx.merchant_id, membership_id)


async def remove_member(ctx: Ctx, membership_id: uuid.UUID) -> None:
    """Take a person out of the team and end their sessions here; their account stays theirs.

    Raises MemberNotFoundException, LastOwnerException, RoleNotAssignableException.
    """
    team = await locks.lock_memberships(ctx.conn, ctx.merchant_id)
    old = _require_in_team(ctx, team, membership_id)
    _require_change(ctx, team, old, None)
    await session_service.revoke_all_for_user(ctx, old.user_id)
    await ctx.session.execute(delete(Membership).where(Membership.merchant_id == ctx.merchant_id, Membership.id == membership_id))
    await audit.record(ctx, "tenancy.member.removed", "membership", membership_id, role=old.role, user_id=old.user_id)


def _require_in_team(ctx: Ctx, team: dict[uuid.UUID, LockedMembership], membership_id: uuid.UUID) -> LockedMembership:
    """Return the membership; somebody bound to a store handles that store's people only."""
    if membership_id not in team:
        raise MemberNotFoundException
    member = team[membership_id]
    if ctx.actor.store_id is not None and member.store_id != ctx.actor.store_id:
        raise RoleNotAssignableException
    return member


def _require_change(ctx: Ctx, team: dict[uuid.UUID, LockedMembership], old: LockedMembership, new_role: UserRole | None) -> None:
    others = sum(member.role == UserRole.OWNER and member.id != old.id for member in team.values())
    require_role_change(
        UserRole(ctx.actor.role),
        old_role=UserRole(old.role),
        new_role=new_role,
        other_owners=others,
        is_self=old.user_id == ctx.actor.user_id,
    )


async def _require_store(ctx: Ctx, role: str, store_id: uuid.UUID | None) -> None:
    """Refuse a store that is not the merchant's, one for an owner, and another one than the actor's own."""
    if ctx.actor.store_id is not None and store_id != ctx.actor.store_id:
        raise RoleNotAssignableException
    if store_id is not None:
        if role == UserRole.OWNER:
            raise StoreForRoleException
        await store_queries.get_store(ctx.conn, ctx.merchant_id, store_id)
