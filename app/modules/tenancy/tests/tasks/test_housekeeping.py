"""What is over is deleted after its time, a chunk at a time, and nothing else."""

import datetime as dt
import uuid

import asyncpg

from app.core import clock
from app.core.db.engine import Database
from app.modules.tenancy.services import merchant_service, password_service, session_service
from app.modules.tenancy.tasks import housekeeping
from app.modules.tenancy.tests.factories import account_ctx, make_merchant, make_terminal_session, platform_ctx

SESSIONS = "SELECT count(*) FROM tenancy_sessions WHERE merchant_id = $1"


async def test_sessions_and_links_go_a_week_after_they_ran_out(database: Database, superuser: asyncpg.Connection) -> None:
    start = clock.now() - dt.timedelta(days=400)
    merchant = await make_merchant(database, now=start)
    fresh = await make_terminal_session(database, merchant, uuid.uuid4())
    async with platform_ctx(database, now=start) as ctx:
        link_id = await password_service.make_link(ctx, merchant.owner.id)
    link = "SELECT count(*) FROM tenancy_password_links WHERE id = $1"
    ends = start + session_service.LIFETIMES["user"]
    async with platform_ctx(database, now=ends + dt.timedelta(days=7)) as ctx:
        await housekeeping.forget_sessions(ctx)
    assert (await superuser.fetchval(SESSIONS, merchant.id), await superuser.fetchval(link, link_id)) == (4, 0)
    async with platform_ctx(database, now=ends + dt.timedelta(days=7, seconds=1)) as ctx:
        await housekeeping.forget_sessions(ctx)
    left = [row["id"] for row in await superuser.fetch("SELECT id FROM tenancy_sessions WHERE merchant_id = $1", merchant.id)]
    assert left == [fresh.id]


async def test_a_full_chunk_asks_for_another_run(database: Database) -> None:
    start = clock.now() - dt.timedelta(days=300)
    merchant = await make_merchant(database, now=start)
    async with platform_ctx(database, now=start) as ctx:
        for _ in range(housekeeping.CHUNK):
            await session_service.create_session(ctx, "user", user_id=merchant.owner.id, merchant_id=merchant.id)
    later = start + dt.timedelta(days=10)
    wishes = []
    for _ in range(2):
        async with platform_ctx(database, now=later) as ctx:
            await housekeeping.forget_sessions(ctx)
            wishes.append([message.task for message in ctx.pending])
            ctx.pending.clear()
    assert wishes == [["tenancy.forget_sessions"], []]


async def test_counters_go_after_a_day_unless_they_still_lock(database: Database, superuser: asyncpg.Connection) -> None:
    start = clock.now() - dt.timedelta(days=200)
    async with account_ctx(database, now=start) as ctx:
        await password_service.request_link(ctx, email=f"nobody-{uuid.uuid4()}@example.lu")
    count = "SELECT count(*) FROM tenancy_login_counters WHERE window_started_at = $1"
    for later, left in ((dt.timedelta(days=1), 1), (dt.timedelta(days=1, seconds=1), 0)):
        async with platform_ctx(database, now=start + later) as ctx:
            await housekeeping.forget_sessions(ctx)
        assert await superuser.fetchval(count, start) == left


async def test_daily_work_is_told_of_active_merchants_only(database: Database) -> None:
    active = await make_merchant(database, zone="Europe/Lisbon")
    suspended = await make_merchant(database, status="suspended")
    async with platform_ctx(database) as ctx:
        zones = dict(await merchant_service.list_zones(ctx))
    assert zones[active.id] == "Europe/Lisbon"
    assert suspended.id not in zones
