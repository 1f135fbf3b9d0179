"""Sessions and openers: who is let in, for how long, and at which merchant."""

import datetime as dt
import uuid

import asyncpg
import pytest

from app.core import clock
from app.core.context import Principal, unit_of_work
from app.core.credentials import TERMINAL_COOKIE, USER_COOKIE, Credentials, FaceOpener
from app.core.db.engine import Database
from app.core.errors import Forbidden, NotFound, OrionException, Unauthenticated
from app.modules.tenancy.errors import MerchantInactiveException, StoreInactiveException, StoreNotChosenException, TotpRequiredException
from app.modules.tenancy.services import session_service
from app.modules.tenancy.tests.factories import (
    customer_cookie,
    make_admin,
    make_api_key,
    make_customer_session,
    make_member,
    make_merchant,
    make_store,
    make_terminal_session,
    merchant_ctx,
    platform_ctx,
)


def shown(*, bearer: str | None = None, store_code: str | None = None, **cookies: str) -> Credentials:
    names = {"user": USER_COOKIE, "terminal": TERMINAL_COOKIE}
    path = {"store_code": store_code} if store_code else {}
    return Credentials({names.get(name, name): token for name, token in cookies.items()}, bearer, path, "192.0.2.7")


async def opened(database: Database, opener: FaceOpener, credentials: Credentials, *, now: dt.datetime | None = None) -> Principal:
    """What the opener answers on a connection of orion_app, in a transaction as a request's."""
    found: list[Principal] = []

    async def open_face(conn: asyncpg.Connection, moment: dt.datetime) -> Principal:
        found.append(await opener(conn, moment, credentials))
        return found[0]

    async with unit_of_work(database, open_face, now=now) as ctx:
        assert await ctx.conn.fetchval("SELECT current_setting('app.merchant_id')") == str(ctx.merchant_id)
    return found[0]


async def refused(database: Database, opener: FaceOpener, credentials: Credentials, *, now: dt.datetime | None = None) -> OrionException:
    with pytest.raises(OrionException) as refusal:
        await opened(database, opener, credentials, now=now)
    return refusal.value


@pytest.mark.parametrize("role", ["owner", "manager", "staff"])
async def test_merchant_face_reads_the_role_from_the_membership(database: Database, role: str) -> None:
    merchant = await make_merchant(database)
    user = merchant.user(role)
    principal = await opened(database, session_service.open_merchant, shown(user=user.token))
    assert principal.merchant_id == merchant.id
    assert (principal.actor.kind, principal.actor.role, principal.actor.user_id) == ("user", role, user.id)
    assert (principal.actor.session_id, principal.actor.store_id, principal.actor.address) == (user.session_id, None, "192.0.2.7")
    assert principal.locale == "fr"


async def test_a_changed_or_removed_membership_counts_at_once(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    await superuser.execute("UPDATE tenancy_memberships SET role = 'staff' WHERE id = $1", merchant.manager.membership_id)
    principal = await opened(database, session_service.open_merchant, shown(user=merchant.manager.token))
    assert principal.actor.role == "staff"
    await superuser.execute("DELETE FROM tenancy_memberships WHERE id = $1", merchant.manager.membership_id)
    assert isinstance(await refused(database, session_service.open_merchant, shown(user=merchant.manager.token)), Forbidden)


async def test_a_disabled_user_is_out_at_once(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    await superuser.execute("UPDATE tenancy_users SET disabled_at = now() WHERE id = $1", merchant.owner.id)
    assert isinstance(await refused(database, session_service.open_merchant, shown(user=merchant.owner.token)), Unauthenticated)


@pytest.mark.parametrize(
    ("after", "is_open"), [(dt.timedelta(minutes=29, seconds=59), True), (dt.timedelta(minutes=30), False), (dt.timedelta(hours=12), False)]
)
async def test_a_user_session_ends_after_thirty_idle_minutes(database: Database, after: dt.timedelta, is_open: bool) -> None:
    start = clock.now()
    merchant = await make_merchant(database, now=start)
    credentials = shown(user=merchant.owner.token)
    if is_open:
        assert (await opened(database, session_service.open_merchant, credentials, now=start + after)).actor.role == "owner"
    else:
        assert isinstance(await refused(database, session_service.open_merchant, credentials, now=start + after), Unauthenticated)


async def test_activity_keeps_a_session_alive_but_not_beyond_twelve_hours(database: Database) -> None:
    start = clock.now()
    merchant = await make_merchant(database, now=start)
    credentials = shown(user=merchant.owner.token)
    for step in range(1, 36):
        await opened(database, session_service.open_merchant, credentials, now=start + step * dt.timedelta(minutes=20))
    last = start + dt.timedelta(hours=11, minutes=59)
    assert (await opened(database, session_service.open_merchant, credentials, now=last)).actor.role == "owner"
    assert isinstance(
        await refused(database, session_service.open_merchant, credentials, now=start + dt.timedelta(hours=12)), Unauthenticated
    )


async def test_last_seen_is_written_at_most_once_a_minute(database: Database, superuser: asyncpg.Connection) -> None:
    start = clock.now()
    merchant = await make_merchant(database, now=start)

    async def last_seen_after(seconds: int) -> dt.datetime:
        await opened(database, session_service.open_merchant, shown(user=merchant.owner.token), now=start + dt.timedelta(seconds=seconds))
        seen: dt.datetime = await superuser.fetchval("SELECT last_seen_at FROM tenancy_sessions WHERE id = $1", merchant.owner.session_id)
        return seen

    assert await last_seen_after(60) == start
    assert await last_seen_after(61) == start + dt.timedelta(seconds=61)


async def test_nobody_waits_for_a_rival_request_of_the_same_session(database: Database, superuser: asyncpg.Connection) -> None:
    start = clock.now()
    merchant = await make_merchant(database, now=start)
    credentials, later = shown(user=merchant.owner.token), start + dt.timedelta(minutes=5)
    async with superuser.transaction():
        await superuser.execute("UPDATE tenancy_sessions SET last_seen_at = last_seen_at WHERE id = $1", merchant.owner.session_id)
        assert (await opened(database, session_service.open_merchant, credentials, now=later)).actor.role == "owner"


async def test_a_revoked_session_is_over(database: Database) -> None:
    merchant = await make_merchant(database)
    async with merchant_ctx(database, merchant) as ctx:
        await session_service.revoke(ctx, merchant.staff.session_id)
    assert isinstance(await refused(database, session_service.open_merchant, shown(user=merchant.staff.token)), Unauthenticated)
    assert (await opened(database, session_service.open_merchant, shown(user=merchant.owner.token))).actor.role == "owner"


@pytest.mark.parametrize("token", ["", "x", "\udcff", "a" * 5_000])
async def test_a_wrong_token_opens_nothing(database: Database, token: str) -> None:
    assert isinstance(await refused(database, session_service.open_merchant, shown(user=token)), Unauthenticated)
    assert isinstance(await refused(database, session_service.open_store, shown(terminal=token)), Unauthenticated)


async def test_a_token_counts_in_its_own_cookie_only(database: Database) -> None:
    merchant = await make_merchant(database)
    terminal = await make_terminal_session(database, merchant, uuid.uuid4())
    customer = await make_customer_session(database, merchant, uuid.uuid4())
    for token in (terminal.token, customer.token):
        assert isinstance(await refused(database, session_service.open_merchant, shown(user=token)), Unauthenticated)
    assert isinstance(await refused(database, session_service.open_store, shown(terminal=merchant.owner.token)), Unauthenticated)
    assert isinstance(await refused(database, session_service.open_merchant, shown(bearer=merchant.owner.token)), Unauthenticated)


async def test_a_suspended_merchant_is_closed_on_every_face(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    terminal = await make_terminal_session(database, merchant, uuid.uuid4())
    await superuser.execute("UPDATE tenancy_merchants SET status = 'suspended' WHERE id = $1", merchant.id)
    key = await make_api_key(database, merchant, merchant.owner)
    for credentials in (shown(user=merchant.owner.token), shown(bearer=key)):
        assert isinstance(await refused(database, session_service.open_merchant, credentials), MerchantInactiveException)
    assert isinstance(await refused(database, session_service.open_store, shown(terminal=terminal.token)), MerchantInactiveException)
    assert type(await refused(database, session_service.open_storefront, shown(store_code=merchant.store.code))) is NotFound


async def test_a_terminal_comes_before_a_user_and_carries_who_opened_it(database: Database) -> None:
    start = clock.now()
    merchant = await make_merchant(database, stores=2, now=start)
    terminal_id, staff_pin_id = uuid.uuid4(), uuid.uuid4()
    terminal = await make_terminal_session(database, merchant, terminal_id, store=merchant.stores[1])
    async with merchant_ctx(database, merchant) as ctx:
        await session_service.set_unlocked(ctx, terminal.id, staff_pin_id, start + dt.timedelta(minutes=5))
    principal = await opened(database, session_service.open_store, shown(terminal=terminal.token, user=merchant.owner.token))
    actor = principal.actor
    assert (actor.kind, actor.role, actor.terminal_id, actor.store_id) == ("terminal", "staff", terminal_id, merchant.stores[1].id)
    assert (actor.staff_pin_id, actor.unlocked_until, actor.store_zone) == (
        staff_pin_id,
        start + dt.timedelta(minutes=5),
        "Europe/Luxembourg",
    )
    assert principal.store_locale == "fr"
    async with merchant_ctx(database, merchant) as ctx:
        assert await session_service.lock_all_for_staff_pin(ctx, staff_pin_id) == 1
    principal = await opened(database, session_service.open_store, shown(terminal=terminal.token))
    assert (principal.actor.staff_pin_id, principal.actor.unlocked_until) == (None, None)


async def test_a_terminal_lives_thirty_days_and_can_be_revoked(database: Database) -> None:
    merchant = await make_merchant(database)
    terminal_id = uuid.uuid4()
    terminal = await make_terminal_session(database, merchant, terminal_id)
    assert terminal.max_age == 30 * 86_400
    now, credentials = clock.now(), shown(terminal=terminal.token)
    assert (await opened(database, session_service.open_store, credentials, now=now + dt.timedelta(days=29))).actor.kind == "terminal"
    assert isinstance(await refused(database, session_service.open_store, credentials, now=now + dt.timedelta(days=30)), Unauthenticated)
    other = await make_merchant(database)
    async with merchant_ctx(database, other) as ctx:
        assert await session_service.revoke_for_terminal(ctx, terminal_id) == 0
    async with merchant_ctx(database, merchant) as ctx:
        assert await session_service.revoke_for_terminal(ctx, terminal_id) == 1
    assert isinstance(await refused(database, session_service.open_store, credentials), Unauthenticated)


async def test_an_ended_terminal_session_gives_way_to_the_signed_in_user(database: Database) -> None:
    merchant = await make_merchant(database)
    principal = await opened(database, session_service.open_store, shown(terminal="gone", user=merchant.staff.token))
    assert (principal.actor.kind, principal.actor.store_id) == ("user", merchant.store.id)


async def test_the_store_face_needs_an_open_store(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database, stores=2)
    await superuser.execute("UPDATE tenancy_sessions SET store_id = NULL WHERE id = $1", merchant.staff.session_id)
    assert isinstance(await refused(database, session_service.open_store, shown(user=merchant.staff.token)), StoreNotChosenException)
    bound = await make_member(database, merchant, role="staff", store_id=merchant.stores[1].id, bound=True)
    principal = await opened(database, session_service.open_store, shown(user=bound.token))
    assert (principal.actor.role, principal.actor.store_id) == ("staff", merchant.stores[1].id)
    await superuser.execute("UPDATE tenancy_stores SET status = 'closed' WHERE id = $1", merchant.stores[1].id)
    assert isinstance(await refused(database, session_service.open_store, shown(user=bound.token)), StoreInactiveException)


async def test_who_is_bound_to_a_store_stays_there_whatever_the_session_says(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database, stores=2)
    bound = await make_member(database, merchant, role="manager", store_id=merchant.stores[1].id, bound=True)
    await superuser.execute("UPDATE tenancy_sessions SET store_id = $2 WHERE id = $1", bound.session_id, merchant.stores[0].id)
    for opener in (session_service.open_store, session_service.open_merchant):
        assert (await opened(database, opener, shown(user=bound.token))).actor.store_id == merchant.stores[1].id


async def test_the_storefront_is_open_to_anybody_at_an_open_store(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    principal = await opened(database, session_service.open_storefront, shown(store_code=merchant.store.code.upper()))
    assert principal.merchant_id == merchant.id
    assert (principal.actor.kind, principal.actor.role, principal.actor.store_id) == ("anonymous", "public", merchant.store.id)
    assert (principal.locale, principal.store_locale) == (None, "fr")
    for code in ("no-such-store", "\x00", "a" * 300, "x' OR 1=1"):
        assert type(await refused(database, session_service.open_storefront, shown(store_code=code))) is NotFound
    await superuser.execute("UPDATE tenancy_stores SET status = 'closed' WHERE id = $1", merchant.store.id)
    assert type(await refused(database, session_service.open_storefront, shown(store_code=merchant.store.code))) is NotFound


async def test_a_customer_is_known_at_all_stores_of_their_merchant_and_at_no_other(database: Database) -> None:
    merchant, other = await make_merchant(database, stores=2), await make_merchant(database)
    customer_id = uuid.uuid4()
    customer = await make_customer_session(database, merchant, customer_id)
    principal = await opened(
        database, session_service.open_storefront, shown(store_code=merchant.stores[1].code, **customer_cookie(customer))
    )
    assert (principal.actor.kind, principal.actor.role, principal.actor.customer_id) == ("customer", "customer", customer_id)
    assert (principal.actor.session_id, principal.actor.store_id) == (customer.id, merchant.stores[1].id)
    stranger = await opened(database, session_service.open_storefront, shown(store_code=other.store.code, **customer_cookie(customer)))
    assert (stranger.merchant_id, stranger.actor.role, stranger.actor.customer_id) == (other.id, "public", None)
    async with merchant_ctx(database, merchant) as ctx:
        assert await session_service.revoke_for_customer(ctx, customer_id) == 1
    gone = await opened(database, session_service.open_storefront, shown(store_code=merchant.store.code, **customer_cookie(customer)))
    assert gone.actor.kind == "anonymous"


async def test_an_api_key_does_no_more_than_its_person(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    key = await make_api_key(database, merchant, merchant.owner, role="manager")
    principal = await opened(database, session_service.open_merchant, shown(bearer=key))
    assert (principal.merchant_id, principal.actor.role, principal.actor.user_id) == (merchant.id, "manager", merchant.owner.id)
    assert (await opened(database, session_service.open_store, shown(bearer=key))).actor.store_id == merchant.store.id
    await superuser.execute("UPDATE tenancy_memberships SET role = 'staff' WHERE id = $1", merchant.owner.membership_id)
    assert (await opened(database, session_service.open_merchant, shown(bearer=key))).actor.role == "staff"
    await superuser.execute("UPDATE tenancy_api_keys SET revoked_at = now() WHERE merchant_id = $1", merchant.id)
    assert isinstance(await refused(database, session_service.open_merchant, shown(bearer=key, user=merchant.owner.token)), Unauthenticated)


async def test_the_admin_face_is_for_admins_who_passed_the_second_factor(database: Database, superuser: asyncpg.Connection) -> None:
    admin, merchant = await make_admin(database), await make_merchant(database)
    async with platform_ctx(database) as ctx:
        principal = await session_service.open_admin(ctx.conn, ctx.now, shown(user=admin.token))
        assert (principal.actor.role, principal.actor.user_id, principal.merchant_id) == ("admin", admin.id, None)
        with pytest.raises(Forbidden):
            await session_service.open_admin(ctx.conn, ctx.now, shown(user=merchant.owner.token))
        with pytest.raises(Unauthenticated):
            await session_service.open_admin(ctx.conn, ctx.now, shown())
        await superuser.execute("UPDATE tenancy_sessions SET second_factor_at = NULL WHERE id = $1", admin.session_id)
        with pytest.raises(TotpRequiredException):
            await session_service.open_admin(ctx.conn, ctx.now, shown(user=admin.token))
        waiting = await session_service.open_account(ctx.conn, ctx.now, shown(user=admin.token))
        assert (waiting.actor.kind, waiting.actor.user_id, waiting.actor.session_id) == ("anonymous", None, admin.session_id)
        await superuser.execute("UPDATE tenancy_users SET totp_secret = NULL WHERE id = $1", admin.id)
        with pytest.raises(Forbidden):
            await session_service.open_admin(ctx.conn, ctx.now, shown(user=admin.token))


async def test_the_account_face_lets_everybody_in_as_what_they_are(database: Database) -> None:
    merchant, admin = await make_merchant(database), await make_admin(database)
    async with platform_ctx(database) as ctx:
        nobody = await session_service.open_account(ctx.conn, ctx.now, shown(user="wrong"))
        assert (nobody.actor.kind, nobody.actor.role, nobody.actor.address) == ("anonymous", "public", "192.0.2.7")
        owner = await session_service.open_account(ctx.conn, ctx.now, shown(user=merchant.owner.token))
        assert (owner.actor.kind, owner.actor.role, owner.merchant_id) == ("user", "owner", merchant.id)
        assert (await session_service.open_account(ctx.conn, ctx.now, shown(user=admin.token))).actor.role == "admin"


async def test_ending_all_sessions_of_a_user_keeps_the_one_named(database: Database) -> None:
    merchant = await make_merchant(database)
    async with platform_ctx(database) as ctx:
        kept = await session_service.create_session(ctx, "user", user_id=merchant.owner.id, merchant_id=merchant.id)
        assert await session_service.revoke_all_for_user(ctx, merchant.owner.id, keep=kept.id) == 1
    assert isinstance(await refused(database, session_service.open_merchant, shown(user=merchant.owner.token)), Unauthenticated)
    assert (await opened(database, session_service.open_merchant, shown(user=kept.token))).actor.session_id == kept.id


async def test_a_merchant_ends_sessions_at_home_only(database: Database, superuser: asyncpg.Connection) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    async with platform_ctx(database) as ctx:
        at_other = await session_service.create_session(ctx, "user", user_id=merchant.owner.id, merchant_id=other.id)
    async with merchant_ctx(database, merchant) as ctx:
        await session_service.revoke(ctx, other.owner.session_id)
        assert await session_service.revoke_all_for_user(ctx, merchant.owner.id) == 1
    live = await superuser.fetchval(
        "SELECT count(*) FROM tenancy_sessions WHERE id = ANY($1) AND revoked_at IS NULL", [at_other.id, other.owner.session_id]
    )
    assert live == 2


async def test_orion_app_sees_its_own_merchant_only_and_no_secret(database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    async with merchant_ctx(database, merchant) as ctx:
        assert [row["id"] for row in await ctx.conn.fetch("SELECT id FROM tenancy_merchants")] == [merchant.id]
        people = {row["id"] for row in await ctx.conn.fetch("SELECT id FROM tenancy_users")}
        assert people == {merchant.owner.id, merchant.manager.id, merchant.staff.id}
        for table in ("tenancy_stores", "tenancy_memberships", "tenancy_sessions", "tenancy_api_keys"):
            assert await ctx.conn.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", other.id) == 0
    for statement in (
        "SELECT password_hash FROM tenancy_users",
        "SELECT totp_secret FROM tenancy_users",
        "UPDATE tenancy_merchants SET status = 'active'",
        "INSERT INTO tenancy_merchants (id) VALUES (gen_random_uuid())",
        "SELECT * FROM tenancy_login_counters",
        "SELECT * FROM tenancy_password_links",
        "UPDATE tenancy_users SET locale = 'de'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with merchant_ctx(database, merchant) as ctx:
                await ctx.conn.execute(statement)


async def test_a_store_of_another_merchant_cannot_be_chosen(database: Database) -> None:
    merchant, other = await make_merchant(database), await make_merchant(database)
    extra = await make_store(database, other.id)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with merchant_ctx(database, merchant) as ctx:
            await session_service.create_session(ctx, "terminal", store_id=extra.id, terminal_id=uuid.uuid4())
