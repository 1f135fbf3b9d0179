"""The nightly sweep (D1, C5): who expires, who is warned, with which rows, on which day."""

import datetime as dt
import random
import zoneinfo

import asyncpg
import pytest

from app.core.db.engine import Database
from app.core.observability import EXPIRED_CARDS, EXPIRED_POINTS, EXPIRY_WARNINGS
from app.core.outbox import writer
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.balances import CardState, ProgramRules
from app.modules.loyalty.domain.enums import ProgramType
from app.modules.loyalty.events import PointsExpired
from app.modules.loyalty.services import points_service
from app.modules.loyalty.services.ledger_expiry import TOLD_AFTER
from app.modules.loyalty.tests.domain.builders import LUXEMBOURG, local
from app.modules.loyalty.tests.factories import (
    MadeCard,
    MadeShop,
    a_key,
    earn,
    make_card,
    make_program,
)
from app.modules.loyalty.tests.sweeps import (
    assert_ledger_is_whole,
    card_row,
    expired_of,
    history_of,
    make_cards,
    run_row,
    run_sweep,
    warnings_of,
)
from app.modules.tenancy.tests.factories import make_merchant, merchant_ctx

DAY = dt.timedelta(days=1)
VISIT = local("2025-01-10T15:00")
LAST_DAY = local("2026-01-10T23:59")
MIDNIGHT = local("2026-01-11T00:00")


async def shop_of(database: Database, *, days: int | None = 365, zone: str = "Europe/Luxembourg", **program: object) -> MadeShop:
    """A shop that has been there for long, whose points expire after `days`."""
    since = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    merchant = await make_merchant(database, zone=zone, now=since)
    return MadeShop(merchant, await make_program(database, merchant, now=since, points_expiration_days=days, **program))


async def card_of(database: Database, shop: MadeShop, *, points: int = 30, at: dt.datetime = VISIT, stamps: int = 0) -> MadeCard:
    """A card that was enrolled, stamped and given `points` at the instant `at`."""
    return await make_card(database, shop.merchant, stamps=stamps, amount_cents=points * 100, now=at)


async def test_a_due_balance_becomes_one_row_on_the_day_after(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    card = await card_of(database, shop, points=30, stamps=4)
    assert await run_sweep(database, shop.merchant.id, LAST_DAY) == ["done"]
    assert (await card_row(superuser, card.id))["points_balance"] == 30
    assert await run_sweep(database, shop.merchant.id, MIDNIGHT) == ["done"]
    row = await card_row(superuser, card.id)
    assert (row["points_balance"], row["points_owed"], row["stamp_count"], row["total_points_voided"]) == (0, 0, 4, 30)
    assert row["last_activity_at"] == VISIT
    assert (await history_of(superuser, card.id))[-1] == {
        "type": "points_expired", "points_delta": -30, "stamps_delta": 0, "stamps_after": 4, "points_after": 0, "owed_after": 0,
        "op_key": f"expiry:{card.id}:2026-01-11", "created_at": MIDNIGHT,
    }  # fmt: skip
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_the_run_is_kept_with_its_counts_and_a_second_one_does_nothing(
    database: Database, superuser: asyncpg.Connection, checksum: object
) -> None:
    shop = await shop_of(database)
    for points in (7, 30):
        await card_of(database, shop, points=points)
    await card_of(database, shop, points=11, at=VISIT + 10 * DAY)
    before = [metric._value.get() for metric in (EXPIRED_CARDS, EXPIRED_POINTS, EXPIRY_WARNINGS)]
    assert await run_sweep(database, shop.merchant.id, MIDNIGHT) == ["done"]
    kept = {"status": "done", "counts": {"expired": 2, "points": 37, "warned": 1}, "attempt": 1, "error": None}
    assert await run_row(superuser, shop.merchant.id, "2026-01-11") == kept
    after = [metric._value.get() for metric in (EXPIRED_CARDS, EXPIRED_POINTS, EXPIRY_WARNINGS)]
    assert [new - old for old, new in zip(before, after, strict=True)] == [2, 37, 1]
    late = await card_of(database, shop, points=5)
    assert await run_sweep(database, shop.merchant.id, MIDNIGHT + dt.timedelta(hours=20)) == ["done"]
    assert await expired_of(superuser, late.id) == []
    assert await run_row(superuser, shop.merchant.id, "2026-01-11") == kept
    assert await run_sweep(database, shop.merchant.id, MIDNIGHT + DAY) == ["done"]
    assert await expired_of(superuser, late.id) == [-5]


async def test_what_is_told_is_what_the_event_says(database: Database, superuser: asyncpg.Connection) -> None:
    writer.subscribe(PointsExpired.name, "test.listen")
    shop = await shop_of(database)
    card = await card_of(database, shop)
    await run_sweep(database, shop.merchant.id, MIDNIGHT)
    row = await superuser.fetchrow("SELECT id FROM loyalty_transactions WHERE card_id = $1 AND type = 'points_expired'", card.id)
    assert row is not None
    assert row["id"].version == 7
    told = await superuser.fetch(
        "SELECT id, task, payload, available_at, created_at FROM core_outbox WHERE merchant_id = $1 AND task = ANY($2) ORDER BY task",
        shop.merchant.id, list(writer.tasks_for_event(PointsExpired.name)),
    )  # fmt: skip
    event = PointsExpired(card_id=card.id, transaction_id=row["id"], points=30)
    messages = writer.messages_for_event(event, merchant_id=shop.merchant.id, now=MIDNIGHT)
    assert [(each["task"], each["payload"], each["available_at"], each["created_at"]) for each in told] == sorted(
        (message.task, message.payload, MIDNIGHT + TOLD_AFTER, MIDNIGHT) for message in messages
    )
    assert {each["id"].version for each in told} == {7}


async def test_mails_wait_so_that_the_sweep_need_not_wait_for_them(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    await card_of(database, shop, at=VISIT + 5 * DAY)
    await run_sweep(database, shop.merchant.id, MIDNIGHT)
    waits = "SELECT available_at FROM core_outbox WHERE merchant_id = $1 AND payload->>'template' = 'loyalty_points_expiring'"
    assert await superuser.fetchval(waits, shop.merchant.id) == MIDNIGHT + TOLD_AFTER


async def test_the_warning_comes_once_fourteen_days_before(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    card = await card_of(database, shop)
    first = local("2025-12-27T00:00")
    for now in (first - DAY, first, first + DAY, MIDNIGHT - DAY):
        assert await run_sweep(database, shop.merchant.id, now) == ["done"]
    assert await warnings_of(superuser, shop.merchant.id) == [
        {
            "template": "loyalty_points_expiring", "customer_id": str(card.customer_id), "card_id": str(card.id),
            "store_id": str(card.store_id), "days_before": 14, "expiring_points": 30, "expiration_date": "2026-01-10",
        }
    ]  # fmt: skip
    assert (await card_row(superuser, card.id))["last_expiration_warning_at"] == first
    await run_sweep(database, shop.merchant.id, MIDNIGHT)
    assert await expired_of(superuser, card.id) == [-30]


async def test_a_visit_after_the_warning_arms_it_again(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    card = await card_of(database, shop)
    await run_sweep(database, shop.merchant.id, local("2025-12-27T00:00"))
    await earn(database, shop.merchant, card, 100, now=local("2026-01-02T12:00"))
    for now in ("2026-01-11T00:00", "2026-12-18T00:00", "2026-12-19T00:00", "2026-12-20T00:00"):
        await run_sweep(database, shop.merchant.id, local(now))
    told = [(each["expiring_points"], each["expiration_date"]) for each in await warnings_of(superuser, shop.merchant.id)]
    assert told == [(30, "2026-01-10"), (31, "2027-01-02")]
    assert await expired_of(superuser, card.id) == []


async def test_missed_days_are_made_up_for(database: Database, superuser: asyncpg.Connection) -> None:
    """Nothing ran for three weeks: what was due then is due now, and a late warning says how many days are left."""
    shop = await shop_of(database)
    long_due, just_due, soon = [await card_of(database, shop, at=VISIT + days * DAY) for days in (-200, 0, 5)]
    await run_sweep(database, shop.merchant.id, local("2026-01-11T09:00"))
    assert [await expired_of(superuser, card.id) for card in (long_due, just_due, soon)] == [[-30], [-30], []]
    told = await warnings_of(superuser, shop.merchant.id)
    assert [(each["card_id"], each["days_before"]) for each in told] == [(str(soon.id), 4)]


async def test_shortening_the_period_gives_everybody_fourteen_days(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    old, fresh = await card_of(database, shop, at=VISIT), await card_of(database, shop, at=local("2025-08-02T10:00"))
    await make_program(database, shop.merchant, now=local("2025-08-01T10:00"), points_expiration_days=90)
    await run_sweep(database, shop.merchant.id, local("2025-08-02T23:00"))
    assert [each["expiration_date"] for each in await warnings_of(superuser, shop.merchant.id)] == ["2025-08-16"]
    await run_sweep(database, shop.merchant.id, local("2025-08-16T23:59"))
    assert await expired_of(superuser, old.id) == []
    await run_sweep(database, shop.merchant.id, local("2025-08-17T00:00"))
    assert await expired_of(superuser, old.id) == [-30]
    await run_sweep(database, shop.merchant.id, local("2025-10-31T23:59"))
    assert await expired_of(superuser, fresh.id) == []
    await run_sweep(database, shop.merchant.id, local("2025-11-01T00:00"))
    assert await expired_of(superuser, fresh.id) == [-30]
    await assert_ledger_is_whole(database, shop.merchant.id)


@pytest.mark.parametrize(
    ("zone", "visit", "days", "end"),
    [
        ("Europe/Luxembourg", "2026-02-27T23:59", 30, dt.datetime(2026, 3, 29, 22, tzinfo=dt.UTC)),  # a day of 23 hours
        ("Europe/Luxembourg", "2026-09-25T12:00", 30, dt.datetime(2026, 10, 25, 23, tzinfo=dt.UTC)),  # a day of 25 hours
        ("Europe/Luxembourg", "2027-03-01T12:00", 365, dt.datetime(2028, 2, 29, 23, tzinfo=dt.UTC)),  # 29 February
        ("Europe/Luxembourg", "2028-02-29T12:00", 365, dt.datetime(2029, 2, 28, 23, tzinfo=dt.UTC)),  # and from it
        ("America/New_York", "2026-02-27T23:59", 30, dt.datetime(2026, 3, 30, 4, tzinfo=dt.UTC)),
        ("Asia/Kathmandu", "2026-02-27T00:01", 30, dt.datetime(2026, 3, 29, 18, 15, tzinfo=dt.UTC)),
    ],
)
async def test_the_day_is_the_merchants_whatever_clocks_do(
    database: Database, superuser: asyncpg.Connection, zone: str, visit: str, days: int, end: dt.datetime
) -> None:
    shop = await shop_of(database, days=days, zone=zone)
    card = await card_of(database, shop, at=local(visit, zoneinfo.ZoneInfo(zone)))
    await run_sweep(database, shop.merchant.id, end - dt.timedelta(seconds=1))
    assert await expired_of(superuser, card.id) == []
    await run_sweep(database, shop.merchant.id, end)
    assert await expired_of(superuser, card.id) == [-30]
    day = end.astimezone(zoneinfo.ZoneInfo(zone)).date()
    assert (await history_of(superuser, card.id))[-1]["op_key"] == f"expiry:{card.id}:{day}"


async def test_debts_stay_and_so_does_what_nobody_can_use(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    owed, trashed, deactivated = [await card_of(database, shop) for _ in range(3)]
    values = "UPDATE loyalty_cards SET {} WHERE id = $1"
    await superuser.execute(values.format("points_balance = 0, points_owed = 12"), owed.id)
    await superuser.execute(values.format("deleted_at = now()"), trashed.id)
    await superuser.execute(values.format("status = 'deactivated'"), deactivated.id)
    await run_sweep(database, shop.merchant.id, local("2025-12-30T00:00"))
    await run_sweep(database, shop.merchant.id, MIDNIGHT)
    assert [await expired_of(superuser, card.id) for card in (owed, trashed, deactivated)] == [[], [], []]
    assert await warnings_of(superuser, shop.merchant.id) == []
    assert (await card_row(superuser, owed.id))["points_owed"] == 12
    await superuser.execute(values.format("deleted_at = NULL"), trashed.id)
    await superuser.execute(values.format("status = 'active'"), deactivated.id)
    await run_sweep(database, shop.merchant.id, MIDNIGHT + DAY)
    assert [await expired_of(superuser, card.id) for card in (trashed, deactivated)] == [[-30], [-30]]


async def test_an_erased_persons_points_expire_and_nobody_is_written_to(database: Database, superuser: asyncpg.Connection) -> None:
    shop = await shop_of(database)
    card = await card_of(database, shop)
    await superuser.execute("UPDATE loyalty_cards SET customer_id = NULL WHERE id = $1", card.id)
    await run_sweep(database, shop.merchant.id, local("2025-12-27T00:00"))
    assert (await card_row(superuser, card.id))["last_expiration_warning_at"] is not None
    await run_sweep(database, shop.merchant.id, MIDNIGHT)
    assert await expired_of(superuser, card.id) == [-30]
    assert await warnings_of(superuser, shop.merchant.id) == []


@pytest.mark.parametrize("why", ["points never expire", "the program was deleted"])
async def test_without_anything_to_expire_the_run_is_a_success(database: Database, superuser: asyncpg.Connection, why: str) -> None:
    shop = await shop_of(database, days=None if why == "points never expire" else 365)
    card = await card_of(database, shop)
    if why == "the program was deleted":
        await superuser.execute("UPDATE loyalty_programs SET deleted_at = now() WHERE merchant_id = $1", shop.merchant.id)
    assert await run_sweep(database, shop.merchant.id, MIDNIGHT) == ["done"]
    kept = {"status": "done", "counts": {}, "attempt": 1, "error": None}
    assert await run_row(superuser, shop.merchant.id, "2026-01-11") == kept
    assert (await card_row(superuser, card.id))["points_balance"] == 30


async def test_a_merchant_without_a_program_has_its_run(database: Database, superuser: asyncpg.Connection) -> None:
    merchant = await make_merchant(database)
    assert await run_sweep(database, merchant.id, MIDNIGHT) == ["done"]
    kept = await run_row(superuser, merchant.id, "2026-01-11")
    assert kept is not None
    assert kept["status"] == "done"


async def test_a_paused_programs_points_expire_and_other_merchants_are_left_alone(
    database: Database, superuser: asyncpg.Connection
) -> None:
    shop, other = await shop_of(database), await shop_of(database)
    mine, theirs = await card_of(database, shop), await card_of(database, other)
    await make_program(database, shop.merchant, now=VISIT + DAY, points_expiration_days=365, is_active=False)
    await run_sweep(database, shop.merchant.id, MIDNIGHT)
    assert await expired_of(superuser, mine.id) == [-30]
    assert await expired_of(superuser, theirs.id) == []


async def test_points_given_after_the_expiry_go_with_the_next_day(database: Database, superuser: asyncpg.Connection) -> None:
    """A bonus is no visit (domain.md): it expires as well, but a card expires once a day."""
    shop = await shop_of(database)
    card = await card_of(database, shop)
    await run_sweep(database, shop.merchant.id, MIDNIGHT)
    await superuser.execute("UPDATE core_job_runs SET status = 'failed' WHERE merchant_id = $1", shop.merchant.id)
    async with merchant_ctx(database, shop.merchant, role="manager", now=MIDNIGHT) as ctx:
        await points_service.adjust_points(ctx, card_id=card.id, delta=8, reason="Kulanz", key=a_key(), present=lambda _: "{}")
    assert await run_sweep(database, shop.merchant.id, MIDNIGHT + dt.timedelta(hours=1)) == ["done"]
    assert (await card_row(superuser, card.id))["points_balance"] == 8
    await run_sweep(database, shop.merchant.id, MIDNIGHT + DAY)
    assert await expired_of(superuser, card.id) == [-30, -8]
    await assert_ledger_is_whole(database, shop.merchant.id)


async def test_the_statement_decides_as_the_rule_does(database: Database, superuser: asyncpg.Connection) -> None:
    """1,500 cards with instants around every cut-off, in three chunks: the rule is asked card by card."""
    shop = await shop_of(database, days=90)
    changed_at, now = local("2026-02-10T11:00"), local("2026-03-29T04:00")
    await superuser.execute("UPDATE loyalty_programs SET expiration_changed_at = $2 WHERE id = $1", shop.program.id, changed_at)
    rules = ProgramRules(program_type=ProgramType.BOTH, zone=LUXEMBOURG, points_expiration_days=90, expiration_changed_at=changed_at)
    await make_cards(superuser, shop, 1_500, at=VISIT)
    source, cards = random.Random(7), {}  # noqa: S311 - draws instants, guards nothing
    for row in await superuser.fetch("SELECT id FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id):
        activity = now - dt.timedelta(minutes=source.choice([source.randrange(130 * 1440), 1440 * source.randrange(130) + 240]))
        warned = source.choice([None, now - dt.timedelta(minutes=source.randrange(60 * 1440)), activity, changed_at])
        cards[row["id"]] = CardState(stamps_target=10, points_balance=1, last_activity_at=activity, last_expiration_warning_at=warned)
    await superuser.executemany(
        "UPDATE loyalty_cards SET last_activity_at = $2, last_expiration_warning_at = $3 WHERE id = $1",
        [(card_id, card.last_activity_at, card.last_expiration_warning_at) for card_id, card in cards.items()],
    )
    due = {card_id for card_id, card in cards.items() if expiry.is_expired(card, rules, now)}
    to_warn = {card_id for card_id, card in cards.items() if expiry.due_warning(card, rules, now)}
    assert min(len(due), len(to_warn), len(cards) - len(due) - len(to_warn)) > 50
    await run_sweep(database, shop.merchant.id, now)
    rows = await superuser.fetch("SELECT id, points_balance, last_expiration_warning_at FROM loyalty_cards WHERE id = ANY($1)", list(cards))
    assert {row["id"] for row in rows if row["points_balance"] == 0} == due
    assert {row["id"] for row in rows if row["last_expiration_warning_at"] == now} == to_warn
    await assert_ledger_is_whole(database, shop.merchant.id)
