"""Which stores a member of the merchant's team may manage: those bound to one store, that one; the others, all."""

import uuid

from app.core.context import Ctx
from app.modules.loyalty.queries import programs
from app.modules.tenancy import public as tenancy


def is_in_scope(ctx: Ctx, store_id: uuid.UUID) -> bool:
    """Whether the caller may manage the staff and terminals of the store."""
    return ctx.actor.store_id in (None, store_id)


async def require_store(ctx: Ctx, store_id: uuid.UUID) -> None:
    """Refuse a store that is not the merchant's or not the caller's alike: tenancy's StoreNotFoundException."""
    if not is_in_scope(ctx, store_id):
        raise tenancy.StoreNotFoundException
    await tenancy.get_store(ctx, store_id)


async def choose_card_store(ctx: Ctx, wanted: uuid.UUID | None) -> uuid.UUID | None:
    """Return the store to whose cards a list is confined: `wanted`, or the caller's own while cards belong to stores (A1 off).

    None is all stores. StoreNotFoundException for a store whose cards the caller may not see.
    """
    bound = ctx.actor.store_id
    if bound is not None and (await programs.get_settings(ctx)).allow_cross_location_redemption:
        bound = None
    if wanted is None:
        return bound
    if bound not in (None, wanted):
        raise tenancy.StoreNotFoundException
    await tenancy.get_store(ctx, wanted)
    return wanted
