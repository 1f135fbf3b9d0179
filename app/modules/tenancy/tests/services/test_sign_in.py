"""Signing in: passwords, codes, counters, links. Every rule is tried on the account face as a request uses it."""

import datetime as dt
import uuid

import asyncpg
import pytest

from app.core import clock
from app.core.context import PlatformCtx
from app.core.credentials import USER_COOKIE, Credentials
from app.core.db.engine import Database
from app.core.errors import Unauthenticated
from app.core.ids import new_id
from app.modules.tenancy.errors import (
    MerchantNotFoundException,
    PasswordLinkInvalidException,
    PasswordWeakException,
    PasswordWrongException,
    SignInFailedException,
    SignInLockedException,
)
from app.modules.tenancy.queries import sessions as session_queries
from app.modules.tenancy.services import auth_service, login_guard, password_service, session_service, totp_service
from app.modules.tenancy.tests.factories import (
    PASSWORD,
    MadeUser,
    account_ctx,
    add_member,
    add_user,
    make_admin,
    make_member,
    make_merchant,
    make_store,
    platform_ctx,
)

NEW_PASSWORD = "seven-lamps-over-the-river"


async def sign_in(database: Database, email: str, password: str = PASSWORD, **where: object) -> auth_service.SignIn:
    async with account_ctx(database, **where) as ctx:  # type: ignore[arg-type]
        return await auth_service.sign_in(ctx, email=email, password=password)


async def is_live(database: Database, token: str) -> bool:
    async with account_ctx(database, token=token) as ctx:
        return ctx.actor.user_id is not None


async def failed_tries(database: Database, email: str, count: int, *, now: dt.datetime, address: str) -> None:
    for _ in range(count):
        with pytest.raises(SignInFailedException):
            await sign_in(database, email, "wrong", now=now, address=address)


async def member_with_password(database: Database, **choices: object) -> MadeUser:
    merchant = await make_merchant(database)
    return await make_member(database, merchant, password=PASSWORD, **choices)


@pytest.mark.parametrize(("role", "page"), [("owner", "/merchants"), ("manager", "/merchants"), ("staff", "/store/terminal")])
async def test_the_right_password_opens_a_session_at_the_only_merchant(database: Database, role: str, page: str) -> None:
    merchant = await make_merchant(database)
    user = await make_member(database, merchant, role=role, password=PASSWORD)
    result = await sign_in(database, f"  {user.email.upper()} ")
    assert (result.state, result.next) == ("signed_in", page)
    assert [(place.merchant_id, place.name, place.role) for place in result.places] == [(merchant.id, merchant.name, role)]
    async with account_ctx(database, token=result.session.token) as ctx:
        account = await auth_service.get_account(ctx)
        state = await session_queries.find_state(ctx.conn, ctx.actor.session_id)
    assert (account.user_id, account.email, account.role, account.merchant_name) == (user.id, user.email, role, merchant.name)
    assert (state.merchant_id, state.store_id, state.second_factor_at) == (merchant.id, merchant.store.id, None)


async def test_signing_in_gives_a_new_token_and_ends_the_present_session(database: Database) -> None:
    user = await member_with_password(database)
    result = await sign_in(database, user.email, token=user.token)
    assert result.session.token != user.token
    assert (await is_live(database, user.token), await is_live(database, result.session.token)) == (False, True)


async def test_wrong_unknown_disabled_and_invited_get_the_same_refusal(database: Database, superuser: asyncpg.Connection) -> None:
    user, disabled, invited = [await member_with_password(database) for _ in range(3)]
    await superuser.execute("UPDATE tenancy_users SET disabled_at = now() WHERE id = $1", disabled.id)
    await superuser.execute("UPDATE tenancy_users SET password_hash = NULL WHERE id = $1", invited.id)
    refusals = []
    for email, password in (
        (user.email, PASSWORD + "x"),
        (f"nobody-{uuid.uuid4()}@example.lu", PASSWORD),
        (disabled.email, PASSWORD),
        (invited.email, PASSWORD),
        (invited.email, "no secret of anybody"),
        ("\udcff@example.lu", PASSWORD),
    ):
        with pytest.raises(SignInFailedException) as refusal:
            await sign_in(database, email, password)
        refusals.append((refusal.value.error_code, refusal.value.error_message, refusal.value.params))
    assert refusals == [refusals[0]] * 6


@pytest.mark.parametrize("exists", [True, False])
async def test_ten_wrong_tries_lock_the_address_whether_it_exists_or_not(database: Database, exists: bool) -> None:
    email = (await member_with_password(database)).email if exists else f"nobody-{uuid.uuid4()}@example.lu"
    now, address = clock.now(), str(uuid.uuid4())
    await failed_tries(database, email, 10, now=now, address=address)
    for password in (PASSWORD, "wrong"):
        with pytest.raises(SignInLockedException) as refusal:
            await sign_in(database, email, password, now=now + dt.timedelta(minutes=5), address=address)
        assert refusal.value.retry_at == now + dt.timedelta(minutes=15)
        assert (refusal.value.retry_after, refusal.value.params["wait_minutes"]) == (600, 10)
    after = now + dt.timedelta(minutes=15)
    if exists:
        assert (await sign_in(database, email, now=after, address=address)).state == "signed_in"
    else:
        await failed_tries(database, email, 1, now=after, address=address)


async def test_the_tenth_try_may_still_be_right_and_forgets_the_wrong_ones(database: Database) -> None:
    user, now = await member_with_password(database), clock.now()
    for _ in range(2):
        await failed_tries(database, user.email, 9, now=now, address=str(uuid.uuid4()))
        assert (await sign_in(database, user.email, now=now)).state == "signed_in"


async def test_an_address_that_tries_many_people_is_locked_and_right_tries_do_not_count(database: Database) -> None:
    address, now = str(uuid.uuid4()), clock.now()
    user = await member_with_password(database)
    for _ in range(3):
        await sign_in(database, user.email, now=now, address=address)
    for number in range(50):
        await failed_tries(database, f"p{number}-{uuid.uuid4()}@example.lu", 1, now=now, address=address)
    with pytest.raises(SignInLockedException):
        await sign_in(database, user.email, now=now, address=address)
    assert (await sign_in(database, user.email, now=now, address="192.0.2.99")).state == "signed_in"


async def test_the_counter_tells_nobody_who_tried(database: Database, superuser: asyncpg.Connection) -> None:
    email, address = f"nobody-{uuid.uuid4()}@example.lu", f"198.51.100.{uuid.uuid4().int % 250}"
    await failed_tries(database, email, 1, now=clock.now(), address=address)
    rows = await superuser.fetch("SELECT t::text AS line FROM tenancy_login_counters t")
    assert rows
    assert not any(email in row["line"] or address in row["line"] for row in rows)


async def test_the_admin_needs_the_code_and_the_waiting_session_opens_nothing(database: Database) -> None:
    admin, now = await make_admin(database, password=PASSWORD), clock.now()
    waiting = await sign_in(database, admin.email, now=now)
    assert (waiting.state, waiting.next, waiting.places) == ("second_factor", "/admin/sign-in?step=code", [])
    assert waiting.session.max_age == 600
    assert not await is_live(database, waiting.session.token)
    code = totp_service.code_at(admin.totp_secret or "", now)
    async with account_ctx(database, token=waiting.session.token, now=now) as ctx:
        entered = await auth_service.pass_second_factor(ctx, code=f"{code[:3]} {code[3:]}")
    assert (entered.state, entered.next) == ("signed_in", "/admin")
    assert entered.session.token != waiting.session.token
    async with platform_ctx(database) as ctx:
        credentials = Credentials({USER_COOKIE: entered.session.token}, None, {}, None)
        assert (await session_service.open_admin(ctx.conn, ctx.now, credentials)).actor.user_id == admin.id


async def enter_code(database: Database, admin: MadeUser, code: str, now: dt.datetime) -> auth_service.SignIn:
    waiting = await sign_in(database, admin.email, now=now)
    async with account_ctx(database, token=waiting.session.token, now=now) as ctx:
        return await auth_service.pass_second_factor(ctx, code=code)


async def test_a_code_works_once_and_no_earlier_one_after_it(database: Database) -> None:
    admin, now = await make_admin(database, password=PASSWORD), clock.now()
    secret = admin.totp_secret or ""
    assert (await enter_code(database, admin, totp_service.code_at(secret, now), now)).state == "signed_in"
    for moment in (now, now - dt.timedelta(seconds=30)):
        with pytest.raises(SignInFailedException):
            await enter_code(database, admin, totp_service.code_at(secret, moment), now)
    later = now + dt.timedelta(seconds=30)
    assert (await enter_code(database, admin, totp_service.code_at(secret, later), later)).state == "signed_in"


async def test_five_wrong_codes_lock_the_right_one_too(database: Database) -> None:
    admin, now = await make_admin(database, password=PASSWORD), clock.now()
    right = totp_service.code_at(admin.totp_secret or "", now)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(5):
        with pytest.raises(SignInFailedException):
            await enter_code(database, admin, wrong, now)
    with pytest.raises(SignInLockedException):
        await enter_code(database, admin, right, now)
    later = now + dt.timedelta(minutes=15)
    assert (await enter_code(database, admin, totp_service.code_at(admin.totp_secret or "", later), later)).state == "signed_in"


async def test_a_code_without_a_waiting_session_is_refused(database: Database) -> None:
    admin, now = await make_admin(database, password=PASSWORD), clock.now()
    code = totp_service.code_at(admin.totp_secret or "", now)
    waiting = await sign_in(database, admin.email, now=now)
    for token, moment in (("", now), (admin.token, now), (waiting.session.token, now + dt.timedelta(minutes=10))):
        async with account_ctx(database, token=token, now=moment) as ctx:
            with pytest.raises(Unauthenticated):
                await auth_service.pass_second_factor(ctx, code=code)


async def test_signing_out_ends_the_session_and_may_be_repeated(database: Database) -> None:
    merchant = await make_merchant(database)
    for _ in range(2):
        async with account_ctx(database, token=merchant.owner.token) as ctx:
            await auth_service.sign_out(ctx)
    assert not await is_live(database, merchant.owner.token)


async def test_who_works_for_several_merchants_chooses_and_gets_a_new_token(database: Database, superuser: asyncpg.Connection) -> None:
    first, second, third = [await make_merchant(database, stores=2) for _ in range(3)]
    async with platform_ctx(database) as ctx:
        user = await add_user(ctx, password=PASSWORD)
        await add_member(ctx, first.id, role="owner", user=user)
        await add_member(ctx, second.id, role="staff", user=user, bound=True, store_id=second.stores[1].id)
    entered = await sign_in(database, user.email)
    assert (entered.state, entered.next) == ("choose_merchant", "/merchants/choose")
    assert {place.merchant_id: place.role for place in entered.places} == {first.id: "owner", second.id: "staff"}
    async with account_ctx(database, token=entered.session.token) as ctx:
        assert (await auth_service.get_account(ctx)).merchant_id is None
        with pytest.raises(MerchantNotFoundException):
            await auth_service.choose_merchant(ctx, third.id)
        chosen = await auth_service.choose_merchant(ctx, second.id)
    assert (chosen.state, chosen.next) == ("signed_in", "/store/terminal")
    assert not await is_live(database, entered.session.token)
    async with account_ctx(database, token=chosen.session.token) as ctx:
        account = await auth_service.get_account(ctx)
    assert (account.merchant_id, account.role, account.store_id) == (second.id, "staff", second.stores[1].id)
    await superuser.execute("UPDATE tenancy_merchants SET status = 'suspended' WHERE id = $1", second.id)
    assert (await sign_in(database, user.email)).places == [place for place in entered.places if place.merchant_id == first.id]


async def test_a_changed_password_ends_every_other_session_and_gives_this_device_a_new_one(database: Database) -> None:
    merchant = await make_merchant(database)
    await make_store(database, merchant.id)
    user = await make_member(database, merchant, role="manager", password=PASSWORD)
    elsewhere = (await sign_in(database, user.email)).session.token
    async with account_ctx(database, token=user.token) as ctx:
        session = await password_service.change_password(ctx, current=PASSWORD, new=NEW_PASSWORD)
    assert [await is_live(database, token) for token in (elsewhere, user.token, session.token)] == [False, False, True]
    async with account_ctx(database, token=session.token) as ctx:
        account = await auth_service.get_account(ctx)
    assert (account.merchant_id, account.store_id) == (merchant.id, merchant.store.id)
    with pytest.raises(SignInFailedException):
        await sign_in(database, user.email, PASSWORD)
    assert (await sign_in(database, user.email, NEW_PASSWORD)).state == "signed_in"


async def test_changing_needs_the_present_password_a_good_new_one_and_counts_the_tries(database: Database) -> None:
    user = await member_with_password(database)
    now = clock.now()
    for weak in ("short", user.email + "-abcdef", "a" * 129):
        with pytest.raises(PasswordWeakException):
            async with account_ctx(database, token=user.token, now=now) as ctx:
                await password_service.change_password(ctx, current=PASSWORD, new=weak)
    for _ in range(login_guard.BY_EMAIL.tries):
        with pytest.raises(PasswordWrongException):
            async with account_ctx(database, token=user.token, address=str(uuid.uuid4()), now=now) as ctx:
                await password_service.change_password(ctx, current="wrong", new=NEW_PASSWORD)
    with pytest.raises(SignInLockedException):
        async with account_ctx(database, token=user.token, now=now) as ctx:
            await password_service.change_password(ctx, current=PASSWORD, new=NEW_PASSWORD)
    assert await is_live(database, user.token)


async def link_of(ctx: PlatformCtx, user_id: uuid.UUID) -> str:
    return password_service.link_token(await password_service.make_link(ctx, user_id))


async def test_a_link_sets_the_password_once_and_ends_all_sessions(database: Database) -> None:
    user = await member_with_password(database)
    async with platform_ctx(database) as ctx:
        token, other = await link_of(ctx, user.id), await link_of(ctx, user.id)
    with pytest.raises(PasswordWeakException):
        async with account_ctx(database) as ctx:
            await password_service.set_password_by_link(ctx, token=token, password="short")
    async with account_ctx(database) as ctx:
        await password_service.set_password_by_link(ctx, token=token, password=NEW_PASSWORD)
    assert not await is_live(database, user.token)
    assert (await sign_in(database, user.email, NEW_PASSWORD)).state == "signed_in"
    for spent in (token, other):
        async with account_ctx(database) as ctx:
            with pytest.raises(PasswordLinkInvalidException):
                await password_service.set_password_by_link(ctx, token=spent, password=PASSWORD)


async def test_old_forged_and_garbled_links_are_refused_alike(database: Database) -> None:
    user, now = await member_with_password(database), clock.now()
    async with platform_ctx(database, now=now) as ctx:
        link_id = await password_service.make_link(ctx, user.id)
    token = password_service.link_token(link_id)
    forged = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    cases = [
        (token, now + dt.timedelta(minutes=30)),
        (forged, now),
        (password_service.link_token(new_id()), now),
        ("", now),
        ("ä", now),
        ("A", now),
    ]
    for wrong, moment in cases:
        async with account_ctx(database, now=moment) as ctx:
            with pytest.raises(PasswordLinkInvalidException):
                await password_service.set_password_by_link(ctx, token=wrong, password=NEW_PASSWORD)
    assert password_service.link_path(link_id) == f"/account/password#{token}"


async def test_asking_for_a_link_says_nothing_and_mails_at_most_three(database: Database, superuser: asyncpg.Connection) -> None:
    user = await member_with_password(database)
    for email in [f"nobody-{uuid.uuid4()}@example.lu", "no address", *[user.email] * 5]:
        async with account_ctx(database) as ctx:
            await password_service.request_link(ctx, email=email)
    assert await superuser.fetchval("SELECT count(*) FROM tenancy_password_links WHERE user_id = $1", user.id) == 3


async def test_no_secret_lies_in_the_database(database: Database, superuser: asyncpg.Connection) -> None:
    admin = await make_admin(database, password=PASSWORD)
    async with platform_ctx(database) as ctx:
        token = await link_of(ctx, admin.id)
    lines = []
    for table in ("tenancy_users", "tenancy_sessions", "tenancy_password_links", "core_outbox", "core_audit_log"):
        lines += [row["line"] for row in await superuser.fetch(f"SELECT t::text AS line FROM {table} t")]
    text = "\n".join(lines)
    secrets = [admin.token, admin.totp_secret or "?", (admin.totp_secret or "?").encode().hex(), PASSWORD, token, token[24:]]
    assert [secret for secret in secrets if secret in text] == []


async def test_a_totp_secret_is_bound_to_its_user(database: Database, superuser: asyncpg.Connection) -> None:
    admin, other = await make_admin(database, password=PASSWORD), await make_admin(database)
    await superuser.execute(
        "UPDATE tenancy_users SET totp_secret = (SELECT totp_secret FROM tenancy_users WHERE id = $2) WHERE id = $1", admin.id, other.id
    )
    now = clock.now()
    with pytest.raises(SignInFailedException):
        await enter_code(database, admin, totp_service.code_at(other.totp_secret or "", now), now)
