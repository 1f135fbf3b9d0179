"""What other modules may ask of tenancy. Lists come in one call; everything is confined to the context's merchant.

Hashing of PINs: `app.core.hashing.hash_secret` and `verify_secret`.
"""

import uuid

from app.core.context import Ctx, PlatformCtx
from app.modules.tenancy.domain import pairing_code
from app.modules.tenancy.domain.email_address import normalize_email
from app.modules.tenancy.errors import StoreNotFoundException
from app.modules.tenancy.queries import merchants as merchant_queries
from app.modules.tenancy.queries import users as user_queries
from app.modules.tenancy.queries.merchants import MerchantView, like_pattern
from app.modules.tenancy.queries.stores import StoreView
from app.modules.tenancy.services.auth_service import MERCHANT_SIGN_IN_PAGE as SIGN_IN_PATH
from app.modules.tenancy.services.login_guard import count_pairing_try, pairing_code_was_right
from app.modules.tenancy.services.merchant_service import (
    act_for_merchant,
    admin_acting_for,
    find_merchant,
    get_merchant,
    list_zones,
    open_for_admin,
)
from app.modules.tenancy.services.overview_service import find_merchant_names, list_merchant_choices, list_merchant_ids
from app.modules.tenancy.services.panel_service import Panel, get_panel
from app.modules.tenancy.services.password_service import FORGOTTEN_PATH as PASSWORD_FORGOTTEN_PATH
from app.modules.tenancy.services.password_service import LINK_LIFETIME as PASSWORD_LINK_LIFETIME
from app.modules.tenancy.services.password_service import link_path as password_link_path
from app.modules.tenancy.services.session_service import (
    NewSession,
    as_system_at,
    create_session,
    find_last_seen_of_terminals,
    list_sessions_of_customer,
    lock_all_for_staff_pin,
    revoke,
    revoke_all_for_user,
    revoke_for_customer,
    revoke_for_terminal,
    set_unlocked,
)
from app.modules.tenancy.services.store_service import find_store_names, get_store, list_stores
from app.modules.tenancy.services.trash_service import list_trashed_stores, names_of_deleters
from app.modules.tenancy.services.user_service import INVITATION_LIFETIME
from app.modules.tenancy.services.zone_service import merchant_zone

__all__ = [
    "INVITATION_LIFETIME",
    "PASSWORD_FORGOTTEN_PATH",
    "PASSWORD_LINK_LIFETIME",
    "SIGN_IN_PATH",
    "MerchantView",
    "NewSession",
    "Panel",
    "StoreNotFoundException",
    "StoreView",
    "act_for_merchant",
    "admin_acting_for",
    "as_system_at",
    "count_pairing_try",
    "create_session",
    "find_last_seen_of_terminals",
    "find_merchant",
    "find_merchant_id",
    "find_merchant_names",
    "find_store_names",
    "find_user_contact",
    "find_user_id",
    "find_user_names",
    "get_merchant",
    "get_panel",
    "get_store",
    "like_pattern",
    "list_merchant_choices",
    "list_merchant_ids",
    "list_sessions_of_customer",
    "list_stores",
    "list_team_names",
    "list_trashed_stores",
    "list_zones",
    "lock_all_for_staff_pin",
    "merchant_zone",
    "names_of_deleters",
    "open_for_admin",
    "pairing_code",
    "pairing_code_was_right",
    "password_link_path",
    "revoke",
    "revoke_all_for_user",
    "revoke_for_customer",
    "revoke_for_terminal",
    "set_unlocked",
]


async def find_merchant_id(ctx: PlatformCtx, code_or_id: str) -> uuid.UUID | None:
    """Return the merchant that an operator names by its id or by the code of one of its stores, or None."""
    return await merchant_queries.find_id(ctx.conn, code_or_id)


async def find_user_contact(ctx: Ctx | PlatformCtx, user_id: uuid.UUID) -> tuple[str, str] | None:
    """Return e-mail address and language of somebody of the merchant's team (on the platform: of anybody), or None."""
    return await user_queries.find_contact(ctx.conn, user_id)


async def find_user_id(ctx: PlatformCtx, email: str) -> uuid.UUID | None:
    """Return who signs in with the address, or None; upper case and space around it do not matter."""
    row = await user_queries.find_for_sign_in(ctx.conn, normalize_email(email))
    return row["id"] if row else None


async def list_team_names(ctx: Ctx) -> list[tuple[uuid.UUID, str]]:
    """Return the ids and names of the people of the team: owners, managers, staff, each by name."""
    return [(member.user_id, member.display_name) for member in await user_queries.list_members(ctx.conn, ctx.merchant_id)]


async def find_user_names(ctx: Ctx, user_ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `user_ids` who belong to the team, as the merchant calls them."""
    return await user_queries.find_names(ctx.conn, ctx.merchant_id, user_ids) if user_ids else {}
