"""What other modules ask of tenancy: in one call, and about the context's merchant only."""

import uuid

import asyncpg
import pytest

from app.core.context import unit_of_work
from app.core.db.engine import Database
from app.core.errors import Forbidden, NotFound
from app.modules.tenancy import public
from app.modules.tenancy.errors import MerchantNotFoundException, StoreNotFoundException
from app.modules.tenancy.tests.factories import account_ctx, make_merchant, merchant_ctx, platform_ctx


async def test_merchant_and_stores_are_answered_with_their_values(database: Database, superuser: asyncpg.Connection) -> None:
    merchant, other = await make_merchant(database, stores=3, zone="Europe/Lisbon", locale="de"), await make_merchant(database)
    closed = merchant.stores[2]
    await superuser.execute("UPDATE tenancy_stores SET status = 'closed' WHERE id = $1", closed.id)
    async with merchant_ctx(database, merchant) as ctx:
        found = await public.get_merchant(ctx)
        assert (found.id, found.name, found.time_zone, found.locale, found.currency) == (
            merchant.id,
            merchant.name,
            "Europe/Lisbon",
            "de",
            "EUR",
        )
        assert found.is_active
        assert [store.id for store in await public.list_stores(ctx)] == [store.id for store in merchant.stores[:2]]
        assert [store.is_open for store in await public.list_stores(ctx, include_closed=True)] == [True, True, False]
        store = await public.get_store(ctx, closed.id)
        assert (store.code, store.name, store.time_zone, store.phone) == (closed.code, "Filiale 3", "Europe/Lisbon", "+352 26 12 34")
        wanted = {closed.id, merchant.store.id, other.store.id, uuid.uuid4()}
        assert await public.find_store_names(ctx, wanted) == {closed.id: "Filiale 3", merchant.store.id: "Filiale 1"}
        assert await public.find_store_names(ctx, set()) == {}
        with pytest.raises(StoreNotFoundException):
            await public.get_store(ctx, other.store.id)


async def test_people_are_known_to_their_own_merchant_only(database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    async with merchant_ctx(database, merchant) as ctx:
        assert await public.find_user_contact(ctx, merchant.staff.id) == (merchant.staff.email, "fr")
        assert await public.find_user_contact(ctx, other.staff.id) is None
        names = await public.find_user_names(ctx, {merchant.staff.id, other.staff.id})
        assert set(names) == {merchant.staff.id}
        assert names[merchant.staff.id].startswith("Person ")
        assert await public.find_user_names(ctx, set()) == {}
    async with platform_ctx(database) as ctx:
        assert await public.find_user_contact(ctx, other.staff.id) == (other.staff.email, "fr")


async def test_the_platforms_own_work_runs_at_a_store_by_its_code(database: Database) -> None:
    merchant = await make_merchant(database, stores=2)
    async with unit_of_work(database, public.as_system_at(merchant.stores[1].code)) as ctx:
        assert (ctx.merchant_id, ctx.actor.kind, ctx.actor.role) == (merchant.id, "system", "admin")
        assert (ctx.actor.store_id, ctx.actor.store_zone) == (merchant.stores[1].id, "Europe/Luxembourg")
    with pytest.raises(NotFound):
        async with unit_of_work(database, public.as_system_at("no-such-store")):
            pass


async def test_only_the_platform_acts_for_a_merchant(database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    async with platform_ctx(database) as ctx:
        inside = await public.open_for_admin(ctx, merchant.id)
        assert [store.id for store in await public.list_stores(inside)] == [merchant.store.id]
        with pytest.raises(StoreNotFoundException):
            await public.get_store(inside, other.store.id)
        with pytest.raises(MerchantNotFoundException):
            await public.open_for_admin(ctx, uuid.uuid4())
    async with account_ctx(database, token=merchant.owner.token) as ctx:
        with pytest.raises(Forbidden):
            public.act_for_merchant(ctx, merchant.id)
