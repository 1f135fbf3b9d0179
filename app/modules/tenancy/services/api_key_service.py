"""Keys for scripts: shown once, kept as a hash, never stronger than the person they belong to."""

import dataclasses
import datetime as dt
import uuid

from sqlalchemy import select

from app.core import audit
from app.core.context import Ctx
from app.core.errors import Forbidden
from app.core.ids import hash_token, new_token
from app.modules.tenancy.domain.roles import UserRole, is_at_least
from app.modules.tenancy.errors import ApiKeyNotFoundException, RoleNotAssignableException
from app.modules.tenancy.models import ApiKey
from app.modules.tenancy.queries import stores as store_queries


@dataclasses.dataclass(frozen=True, slots=True)
class ApiKeyView:
    """A key as its merchant sees it; the secret itself is not among it."""

    id: uuid.UUID
    name: str
    role: str
    user_id: uuid.UUID
    store_id: uuid.UUID | None
    created_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_at: dt.datetime | None


def _view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(**{field.name: getattr(key, field.name) for field in dataclasses.fields(ApiKeyView)})


async def create_api_key(
    ctx: Ctx, *, name: str, role: str, store_id: uuid.UUID | None = None, expires_at: dt.datetime | None = None
) -> tuple[ApiKeyView, str]:
    """Make a key for the signed-in user and return it with its secret. For the store's face it needs a store.

    Raises RoleNotAssignableException for a role above the user's, StoreNotFoundException, Forbidden for a key that asks for a key.
    """
    if ctx.actor.user_id is None or ctx.actor.session_id is None:
        raise Forbidden
    if not is_at_least(UserRole(ctx.actor.role), UserRole(role)):
        raise RoleNotAssignableException
    if store_id is not None:
        await store_queries.get_store(ctx.conn, ctx.merchant_id, store_id)
    secret = new_token()
    key = ApiKey(
        merchant_id=ctx.merchant_id,
        key_hash=hash_token(secret),
        user_id=ctx.actor.user_id,
        name=name,
        role=role,
        store_id=store_id,
        created_at=ctx.now,
        expires_at=expires_at,
    )
    ctx.session.add(key)
    await ctx.session.flush()
    await audit.record(ctx, "tenancy.api_key.created", "api_key", key.id, role=role)
    return _view(key), secret


async def list_api_keys(ctx: Ctx) -> list[ApiKeyView]:
    """Return the merchant's keys that work, the newest first."""
    statement = select(ApiKey).where(ApiKey.merchant_id == ctx.merchant_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id.desc())
    return [_view(key) for key in await ctx.session.scalars(statement)]


async def revoke_api_key(ctx: Ctx, key_id: uuid.UUID) -> None:
    """End a key at once; ApiKeyNotFoundException."""
    statement = select(ApiKey).where(ApiKey.merchant_id == ctx.merchant_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    key = (await ctx.session.scalars(statement)).one_or_none()
    if key is None:
        raise ApiKeyNotFoundException
    key.revoked_at = ctx.now
    await audit.record(ctx, "tenancy.api_key.revoked", "api_key", key_id)
