"""The nightly sweep among rivals: counters, other workers, programs that change, and its own death."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from app.core.config import Settings
from app.core.context import Ctx
from app.core.db.engine import Database
from app.core.runs import Ending
from app.core.testing.databases import DatabaseUrls
from app.core.testing.waiting import until
from app.modules.loyalty.errors import NotEnoughPointsException
from app.modules.loyalty.queries.rewards import Reward
from app.modules.loyalty.services import expiry_service
from app.modules.loyalty.services.expiry_service import PASSING_BY
from app.modules.loyalty.tests.domain.builders import local
from app.modules.loyalty.tests.factories import MadeCard, MadeShop, earn, make_card, make_program, make_reward, make_shop, redeem_points
from app.modules.loyalty.tests.sweeps import (
    Turns,
    assert_ledger_is_whole,
    card_row,
    expired_of,
    make_cards,
    run_row,
    run_sweep,
)

pytestmark = pytest.mark.concurrency
VISIT, MIDNIGHT, DAY = local("2025-01-10T15:00"), local("2026-01-11T00:00"), "2026-01-11"
SINCE = local("2024-01-01T00:00")
COUNTS = """
SELECT count(*), count(DISTINCT card_id), sum(points_delta) FROM loyalty_transactions WHERE merchant_id = $1 AND type = 'points_expired'
"""
LEFT = "SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1 AND points_balance > 0"
WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


async def shop_with(superuser: asyncpg.Connection, database: Database, count: int) -> tuple[MadeShop, int]:
    """A shop with `count` cards that are due at MIDNIGHT, and the sum of their points."""
    shop = await make_shop(database, now=SINCE, points_expiration_days=365)
    return shop, await make_cards(superuser, shop, count, at=VISIT)


async def assert_expired_once(database: Database, superuser: asyncpg.Connection, shop: MadeShop, count: int, points: int) -> None:
    """Each of `count` cards has expired, once, and the ledger is whole."""
    [row] = await superuser.fetch(COUNTS, shop.merchant.id)
    assert tuple(row) == (count, count, -points)
    await assert_ledger_is_whole(database, shop.merchant.id)


@contextlib.asynccontextmanager
async def somebody_holding(urls: DatabaseUrls, card_id: uuid.UUID) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Hold a card's lock as a counter does; gives a function that lets go of it."""
    conn = await asyncpg.connect(urls.superuser)
    try:
        await conn.execute("BEGIN")
        await conn.execute("SELECT 1 FROM loyalty_cards WHERE id = $1 FOR NO KEY UPDATE", card_id)
        yield lambda: conn.execute("COMMIT")
    finally:
        await conn.close()


@dataclasses.dataclass
class Meddling(Turns):
    """A turn in whose `at`-th unit of work something else happens first."""

    at: int = 0
    meddle: Callable[[], Awaitable[None]] | None = None

    @contextlib.asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Ctx]:
        """One chunk, after what happens before it."""
        if self.opened + 1 == self.at and self.meddle is not None:
            self.opened += 1
            await self.meddle()
            self.opened -= 1
        async with super().unit_of_work() as ctx:
            yield ctx


class Killed(BaseException):
    """The end of a process, as far as its last transaction can tell."""


async def test_a_visit_and_the_sweep_expire_a_balance_once_twenty_times(database: Database, superuser: asyncpg.Connection) -> None:
    firsts = set()
    for _ in range(20):
        shop = await make_shop(database, now=SINCE, points_expiration_days=365)
        card = await make_card(database, shop.merchant, amount_cents=3_000, now=VISIT)
        await asyncio.gather(earn(database, shop.merchant, card, 500, now=MIDNIGHT), run_sweep(database, shop.merchant.id, MIDNIGHT))
        assert await expired_of(superuser, card.id) == [-30]
        assert (await card_row(superuser, card.id))["points_balance"] == 5
        keys = await superuser.fetchval("SELECT op_key FROM loyalty_transactions WHERE card_id = $1 AND type = 'points_expired'", card.id)
        firsts.add(keys.partition(":")[0])
        await assert_ledger_is_whole(database, shop.merchant.id)
    assert firsts <= {"key", "expiry"}


async def spend(database: Database, shop: MadeShop, card: MadeCard, reward: Reward) -> bool:
    """Spend the points on the evening before; False when they have expired already."""
    try:
        await redeem_points(database, shop.merchant, card, reward, now=MIDNIGHT - dt.timedelta(seconds=1))
    except NotEnoughPointsException:
        return False
    return True


async def test_a_spend_on_the_last_evening_and_the_sweep_never_take_the_same_points(
    database: Database, superuser: asyncpg.Connection
) -> None:
    """The counter's clock is a second behind: it may still spend what the sweep lets expire, but only one of them does."""
    for _ in range(20):
        shop = await make_shop(database, now=SINCE, points_expiration_days=365)
        reward = await make_reward(database, shop.merchant, cost_points=30)
        card = await make_card(database, shop.merchant, amount_cents=3_000, now=VISIT)
        was_spent, _ = await asyncio.gather(spend(database, shop, card, reward), run_sweep(database, shop.merchant.id, MIDNIGHT))
        assert await expired_of(superuser, card.id) == ([] if was_spent else [-30])
        assert (await card_row(superuser, card.id))["points_balance"] == 0
        await assert_ledger_is_whole(database, shop.merchant.id)


async def test_a_card_that_somebody_holds_is_come_back_to(
    database: Database, superuser: asyncpg.Connection, database_urls: DatabaseUrls
) -> None:
    shop, points = await shop_with(superuser, database, 20)
    held = await superuser.fetchval("SELECT id FROM loyalty_cards WHERE merchant_id = $1 ORDER BY id OFFSET 7 LIMIT 1", shop.merchant.id)
    async with somebody_holding(database_urls, held) as let_go:
        sweeping = asyncio.create_task(run_sweep(database, shop.merchant.id, MIDNIGHT))
        await until(lambda: superuser.fetchval(WAITS), seconds=10, every=0)
        [row] = await superuser.fetch(COUNTS, shop.merchant.id)
        assert row["count"] == 19
        assert await expired_of(superuser, held) == []
        await let_go()
        assert await sweeping == ["done"]
    await assert_expired_once(database, superuser, shop, 20, points)
    kept = await superuser.fetchval("SELECT cursor FROM core_job_runs WHERE merchant_id = $1", shop.merchant.id)
    assert kept["pass"] == PASSING_BY + 1


async def test_a_card_that_is_held_for_too_long_is_left_to_the_next_try(
    settings: Settings, database: Database, superuser: asyncpg.Connection, database_urls: DatabaseUrls
) -> None:
    shop, points = await shop_with(superuser, database, 20)
    hasty = Database.from_settings(settings.model_copy(update={"lock_timeout_ms": 100}))
    held = await superuser.fetchval("SELECT id FROM loyalty_cards WHERE merchant_id = $1 ORDER BY id OFFSET 7 LIMIT 1", shop.merchant.id)
    async with somebody_holding(database_urls, held):
        assert await run_sweep(hasty, shop.merchant.id, MIDNIGHT) == ["retried"]
    await hasty.dispose()
    run = await run_row(superuser, shop.merchant.id, DAY)
    assert run is not None
    assert (run["status"], run["error"], run["counts"]["expired"]) == ("failed", "LockNotAvailableError", 19)
    assert "done" in await run_sweep(database, shop.merchant.id, MIDNIGHT + dt.timedelta(minutes=1))
    assert (await run_row(superuser, shop.merchant.id, DAY) or {})["status"] == "done"
    await assert_expired_once(database, superuser, shop, 20, points)


async def test_a_turn_that_is_out_of_time_is_gone_on_with(database: Database, superuser: asyncpg.Connection) -> None:
    shop, points = await shop_with(superuser, database, 1_100)
    heard: list[int] = []
    endings = []
    for _ in range(3):
        swept = await expiry_service.sweep(Turns(database, shop.merchant.id, MIDNIGHT, chunks=1), progress=heard.append)
        endings.append(swept.ending)
    assert endings == [Ending.GOES_ON, Ending.GOES_ON, Ending.DONE]
    assert heard == [500, 500, 100]
    kept = {"status": "done", "counts": {"expired": 1_100, "points": points, "warned": 0}, "attempt": 3, "error": None}
    assert await run_row(superuser, shop.merchant.id, DAY) == kept
    assert (await expiry_service.sweep(Turns(database, shop.merchant.id, MIDNIGHT))).ending is Ending.DONE_BEFORE
    await assert_expired_once(database, superuser, shop, 1_100, points)


async def test_who_was_killed_is_followed_after_a_minute_and_not_before(database: Database, superuser: asyncpg.Connection) -> None:
    shop, points = await shop_with(superuser, database, 1_100)

    async def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        await expiry_service.sweep(Meddling(database, shop.merchant.id, MIDNIGHT, at=3, meddle=die))
    later = [MIDNIGHT + dt.timedelta(seconds=seconds) for seconds in (59, 61)]
    assert (await expiry_service.sweep(Turns(database, shop.merchant.id, later[0]))).ending is Ending.HELD
    assert await run_sweep(database, shop.merchant.id, later[0]) == ["continued"]  # and asks again in five seconds
    [row] = await superuser.fetch(COUNTS, shop.merchant.id)
    assert row["count"] == 500
    swept = await expiry_service.sweep(Turns(database, shop.merchant.id, later[1]))
    assert (swept.ending, swept.counts["expired"]) == (Ending.DONE, 1_100)
    await assert_expired_once(database, superuser, shop, 1_100, points)


async def test_two_at_once_share_nothing(database: Database, superuser: asyncpg.Connection) -> None:
    shop, points = await shop_with(superuser, database, 1_100)
    endings = await asyncio.gather(*(expiry_service.sweep(Turns(database, shop.merchant.id, MIDNIGHT)) for _ in range(4)))
    assert sorted(each.ending.value for each in endings).count("done") == 1
    assert {each.ending for each in endings} <= {Ending.DONE, Ending.HELD, Ending.DONE_BEFORE}
    await assert_expired_once(database, superuser, shop, 1_100, points)


async def test_a_run_that_was_taken_over_undoes_its_chunk(database: Database, superuser: asyncpg.Connection) -> None:
    """The first is so slow that another takes its run over and finishes it."""
    shop, points = await shop_with(superuser, database, 1_100)
    later = MIDNIGHT + dt.timedelta(seconds=90)

    async def overtake() -> None:
        assert (await expiry_service.sweep(Turns(database, shop.merchant.id, later))).ending is Ending.DONE
        await superuser.execute(
            "UPDATE loyalty_cards SET points_balance = 5, total_points_earned = total_points_earned + 5 WHERE merchant_id = $1",
            shop.merchant.id,
        )

    turn = Meddling(database, shop.merchant.id, MIDNIGHT, at=3, meddle=overtake)
    assert (await expiry_service.sweep(turn)).ending is Ending.HELD
    assert await superuser.fetchval("SELECT DISTINCT points_balance FROM loyalty_cards WHERE merchant_id = $1", shop.merchant.id) == 5
    [row] = await superuser.fetch(COUNTS, shop.merchant.id)
    assert tuple(row) == (1_100, 1_100, -points)


async def test_a_program_that_changes_meanwhile_ends_the_sweep(database: Database, superuser: asyncpg.Connection) -> None:
    shop, _ = await shop_with(superuser, database, 1_100)

    async def change() -> None:
        await make_program(database, shop.merchant, now=MIDNIGHT, points_expiration_days=730)

    swept = await expiry_service.sweep(Meddling(database, shop.merchant.id, MIDNIGHT, at=3, meddle=change))
    assert (swept.ending, swept.counts) == (Ending.DONE, {"expired": 500, "points": swept.counts["points"], "warned": 0})
    assert await superuser.fetchval(LEFT, shop.merchant.id) == 600


async def test_a_program_whose_period_was_shortened_meanwhile_warns_the_rest(database: Database, superuser: asyncpg.Connection) -> None:
    shop, _ = await shop_with(superuser, database, 1_100)

    async def change() -> None:
        await make_program(database, shop.merchant, now=MIDNIGHT, points_expiration_days=90)

    swept = await expiry_service.sweep(Meddling(database, shop.merchant.id, MIDNIGHT, at=3, meddle=change))
    assert (swept.ending, swept.counts["expired"], swept.counts["warned"]) == (Ending.DONE, 500, 600)


async def test_at_midnight_the_new_days_run_takes_the_rest(database: Database, superuser: asyncpg.Connection) -> None:
    shop, points = await shop_with(superuser, database, 1_100)
    turn = Meddling(database, shop.merchant.id, MIDNIGHT + dt.timedelta(hours=23, minutes=59), at=3)

    async def strike() -> None:
        turn.now = MIDNIGHT + dt.timedelta(days=1)

    turn.meddle = strike
    assert (await expiry_service.sweep(turn)).ending is Ending.GOES_ON
    run = await run_row(superuser, shop.merchant.id, DAY)
    assert run is not None
    assert (run["status"], run["error"], run["counts"]["expired"]) == ("failed", "day_over", 500)
    swept = await expiry_service.sweep(turn)
    assert (swept.ending, swept.counts["expired"]) == (Ending.DONE, 600)
    await assert_expired_once(database, superuser, shop, 1_100, points)
