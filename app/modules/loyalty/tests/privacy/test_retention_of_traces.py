"""What is kept for a time goes after it: bounces, greetings, links, fingerprints."""

import datetime as dt
import uuid

import asyncpg

from app.core import clock
from app.core.context import SYSTEM, Principal, platform_unit_of_work
from app.core.db.engine import Database
from app.core.modules import load_attribute, load_modules
from app.core.tasks.registry import handlers_of
from app.modules.customers import public as customers
from app.modules.loyalty.tests.counter import make_card, make_shop
from app.modules.messaging.tests.factories import leave_mails
from app.modules.tenancy.tests.factories import merchant_ctx

TASKS = {task: path for module in load_modules() for task, path in module.tasks.items()}


async def run(database: Database, task: str, now: dt.datetime) -> None:
    """Run a task of the platform at `now`."""
    async with platform_unit_of_work(database, Principal(SYSTEM), now=now) as ctx:
        await load_attribute(TASKS[task])(ctx)
        ctx.pending.clear()


async def count(superuser: asyncpg.Connection, table: str, merchant_id: uuid.UUID) -> int:
    """Return how many rows the merchant has."""
    found: int = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", merchant_id)
    return found


async def test_each_trace_goes_after_its_time_and_not_before(database: Database, superuser: asyncpg.Connection) -> None:
    start = clock.now() - dt.timedelta(days=1500)
    shop = await make_shop(database, now=start)
    card = await make_card(database, shop, now=start)
    assert card.customer_id is not None
    async with merchant_ctx(database, shop.merchant, now=start) as ctx:
        await leave_mails(ctx, card.customer_id, "somebody@example.lu")
        await customers.issue_login_link(ctx, card.customer_id)
        await customers.remember_erased(ctx, "gone@example.lu", today=start.date())
        await ctx.conn.execute(
            "INSERT INTO loyalty_birthday_greetings (merchant_id, customer_id, year, card_id, created_at) VALUES ($1, $2, 2022, $3, $4)",
            shop.id, card.customer_id, card.id, start,
        )  # fmt: skip
    second = dt.timedelta(seconds=1)
    for table, task, keep in (
        ("email_soft_bounces", "messaging.forget_bounces", dt.timedelta(days=30)),
        ("customer_login_links", "customers.forget_people", dt.timedelta(days=7, minutes=15)),
        ("loyalty_birthday_greetings", "loyalty.forget_greetings", dt.timedelta(days=731)),
    ):
        await run(database, task, start + keep)
        assert await count(superuser, table, shop.id) == 1, table
        await run(database, task, start + keep + second)
        assert await count(superuser, table, shop.id) == 0, table
    guarded = await superuser.fetchval("SELECT guarded_until FROM customer_returning_guards WHERE merchant_id = $1", shop.id)
    for day, left in ((guarded, 1), (guarded + dt.timedelta(days=1), 0)):
        await run(database, "customers.forget_people", dt.datetime.combine(day, dt.time(12), dt.UTC))
        assert await count(superuser, "customer_returning_guards", shop.id) == left


def test_the_tasks_are_started_every_day() -> None:
    daily = {schedule.task for module in load_modules() for schedule in module.beat if schedule.seconds == 86_400}
    assert {"messaging.forget_bounces", "customers.forget_people", "loyalty.forget_greetings"} <= daily
    assert {"messaging.forget_bounces", "customers.forget_people", "loyalty.forget_greetings"} <= handlers_of(load_modules()).keys()
