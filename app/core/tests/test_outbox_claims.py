"""Sweeps, leases, retries and deaths of outbox messages (reliability.md, Settings, Outbox)."""

import asyncio
import datetime as dt
import uuid

import asyncpg
import pytest

from app.core import clock
from app.core.db.engine import Database, raw_connection
from app.core.outbox import admin, claims
from app.core.pagination import BadCursor
from app.core.tests.rows import enqueue, read_message

SECOND = dt.timedelta(seconds=1)


async def sweep_of(database: Database, ids: list[uuid.UUID], now: dt.datetime) -> list[uuid.UUID]:
    """Sweep, and return those of `ids` that were found, in order."""
    async with raw_connection(database.platform) as conn:
        found = await claims.sweep(conn, now)
    return [message_id for message_id in found.ids if message_id in ids]


async def claim(database: Database, message_id: uuid.UUID, now: dt.datetime) -> claims.Claim | None:
    async with raw_connection(database.platform) as conn:
        return await claims.claim(conn, message_id, now)


@pytest.fixture(autouse=True)
async def no_leftovers(superuser: asyncpg.Connection) -> None:
    """A sweep sees all tenants: what earlier tests left behind would count."""
    await superuser.execute("UPDATE core_outbox SET done_at = now() WHERE done_at IS NULL AND dead_at IS NULL")


async def test_a_hint_is_given_once_and_again_when_it_was_lost(database: Database) -> None:
    ids, now = await enqueue(database, uuid.uuid4(), count=3), clock.now()
    assert await sweep_of(database, ids, now) == ids
    assert await sweep_of(database, ids, now + SECOND) == []
    assert await sweep_of(database, ids, now + claims.HINT_LIFE + SECOND) == ids


async def test_a_sweep_takes_at_most_twenty_of_a_tenant_and_all_tenants(database: Database) -> None:
    busy, quiet = uuid.uuid4(), uuid.uuid4()
    many, one = await enqueue(database, busy, count=50), await enqueue(database, quiet)
    first = await sweep_of(database, many + one, clock.now())
    assert len(set(first) & set(many)) == claims.PER_TENANT
    assert one[0] in first


async def test_hints_under_way_are_bounded(database: Database) -> None:
    now = clock.now()
    ids = [message_id for _ in range(40) for message_id in await enqueue(database, uuid.uuid4(), count=20, now=now)]
    hinted = await sweep_of(database, ids, now + SECOND) + await sweep_of(database, ids, now + SECOND)
    assert len(hinted) == claims.MAX_HINTS
    async with raw_connection(database.platform) as conn:
        await claims.unhint(conn, hinted[:10])
    assert len(await sweep_of(database, ids, now + SECOND)) == 10


async def test_two_sweeps_at_once_never_find_the_same(database: Database) -> None:
    ids, now = [], clock.now()
    for _ in range(10):
        ids += await enqueue(database, uuid.uuid4(), count=15)
    found = await asyncio.gather(*(sweep_of(database, ids, now + SECOND) for _ in range(2)))
    both = [message_id for part in found for message_id in part]
    assert len(both) == len(set(both))
    rest = await sweep_of(database, ids, now + SECOND)
    assert sorted(both + rest) == sorted(ids)


async def test_one_of_many_claims_wins(database: Database) -> None:
    [message_id], now = await enqueue(database, uuid.uuid4()), clock.now()
    held = await asyncio.gather(*(claim(database, message_id, now) for _ in range(20)))
    assert [item.attempt for item in held if item] == [1]


async def test_a_message_is_not_claimed_before_its_time(database: Database) -> None:
    [message_id] = await enqueue(database, uuid.uuid4(), now=clock.now() + dt.timedelta(hours=1))
    assert await claim(database, message_id, clock.now()) is None
    assert await claim(database, message_id, clock.now() + dt.timedelta(hours=1)) is not None


async def test_a_lapsed_lease_is_a_death_and_the_third_is_the_last(database: Database, superuser: asyncpg.Connection) -> None:
    [message_id], now = await enqueue(database, uuid.uuid4()), clock.now()
    for death in range(1, claims.MAX_DEATHS + 1):
        held = await claim(database, message_id, now)
        assert held is not None
        assert held.attempt == death
        assert await sweep_of(database, [message_id], now + claims.LEASE - SECOND) == []
        now += claims.LEASE + SECOND
        found = await sweep_of(database, [message_id], now)
        assert found == ([message_id] if death < claims.MAX_DEATHS else [])
    row = await read_message(superuser, message_id)
    assert (row["deaths"], row["error"], row["dead_at"]) == (3, "worker_died", now)


async def test_who_lost_the_lease_can_neither_renew_nor_finish(database: Database, superuser: asyncpg.Connection) -> None:
    [message_id], now = await enqueue(database, uuid.uuid4()), clock.now()
    slow = await claim(database, message_id, now)
    assert slow is not None
    async with raw_connection(database.platform) as conn:
        assert await claims.renew(conn, slow, now + 50 * SECOND)
        later = now + 50 * SECOND + claims.LEASE + SECOND
        assert (await claims.sweep(conn, later)).ids == [message_id]
        quick = await claims.claim(conn, message_id, later)
        assert quick is not None
        assert not await claims.renew(conn, slow, later)
        assert not await claims.mark_done(conn, slow, later)
        await claims.mark_failed(conn, slow, later, reason="late", is_final=True)
        assert await claims.mark_done(conn, quick, later)
    row = await read_message(superuser, message_id)
    assert (row["done_at"], row["dead_at"], row["error"]) == (later, None, None)


async def test_dead_after_fourteen_tries_with_growing_pauses(database: Database, superuser: asyncpg.Connection) -> None:
    [message_id], now = await enqueue(database, uuid.uuid4()), clock.now()
    for attempt in range(1, claims.MAX_ATTEMPTS + 1):
        held = await claim(database, message_id, now)
        assert held is not None
        assert held.attempt == attempt
        async with raw_connection(database.platform) as conn:
            is_dead = await claims.mark_failed(conn, held, now, reason="SMTPServerDisconnected", is_final=False)
        row = await read_message(superuser, message_id)
        assert is_dead == (attempt == claims.MAX_ATTEMPTS) == (row["dead_at"] is not None)
        if not is_dead:
            pause, middle = row["available_at"] - now, min(dt.timedelta(hours=6), dt.timedelta(seconds=30) * 2 ** (attempt - 1))
            assert middle * 0.5 <= pause <= middle * 1.5
            assert await sweep_of(database, [message_id], row["available_at"] - SECOND) == []
            now = row["available_at"]
    assert (await read_message(superuser, message_id))["error"] == "SMTPServerDisconnected"


async def test_the_admin_sees_the_dead_and_retries_them(database: Database, superuser: asyncpg.Connection) -> None:
    now, merchant_id = clock.now() + dt.timedelta(days=1000), uuid.uuid4()  # later than what other tests gave up
    ids = await enqueue(database, merchant_id, count=3)
    async with raw_connection(database.platform) as conn:
        for number, message_id in enumerate(ids):
            held = await claims.claim(conn, message_id, now)
            assert held is not None
            await claims.mark_failed(conn, held, now + number * SECOND, reason="smtp_550", is_final=True)
        first = await admin.list_dead(conn, limit=2)
        assert [item.id for item in first.items] == [ids[2], ids[1]]
        assert (first.items[0].reason, first.items[0].merchant_id) == ("smtp_550", merchant_id)
        assert ids[0] in [item.id for item in (await admin.list_dead(conn, first.next_cursor, limit=50)).items]
        with pytest.raises(BadCursor):
            await admin.list_dead(conn, "AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        assert (await admin.read_health(conn, now)).dead >= 3
        assert await admin.retry_dead(conn, ids[0], now)
        assert not await admin.retry_dead(conn, ids[0], now)
        assert (await admin.read_health(conn, now)).due == 1
    row = await read_message(superuser, ids[0])
    assert (row["dead_at"], row["attempts"], row["deaths"], row["error"]) == (None, 0, 0, None)
    await superuser.execute("UPDATE core_outbox SET dead_at = NULL, done_at = now() WHERE merchant_id = $1", merchant_id)


async def test_the_rest_of_a_long_queue_is_hinted_as_its_hints_are_taken(database: Database) -> None:
    ids, now = await enqueue(database, uuid.uuid4(), count=50), clock.now()
    first = await sweep_of(database, ids, now)
    assert first == ids[: claims.PER_TENANT]
    assert await sweep_of(database, ids, now) == []
    async with raw_connection(database.platform) as conn:
        held = await claims.claim_many(conn, first[:7], now)
    assert {item.id for item in held} == set(first[:7])
    assert await sweep_of(database, ids, now) == ids[claims.PER_TENANT : claims.PER_TENANT + 7]


async def test_the_first_of_every_tenant_goes_before_the_second_of_any(database: Database) -> None:
    now = clock.now()
    queues = [await enqueue(database, uuid.uuid4(), count=20, now=now) for _ in range(30)]
    [single] = await enqueue(database, uuid.uuid4(), now=now + SECOND)
    everything = [message_id for queue in queues for message_id in queue]
    found = await sweep_of(database, [*everything, single], now + 2 * SECOND)
    assert len(found) == claims.MAX_HINTS
    assert set(found[:31]) == {queue[0] for queue in queues} | {single}
    assert await sweep_of(database, everything, now + 2 * SECOND) == []


async def test_claims_of_overlapping_hints_never_deadlock(database: Database) -> None:
    ids, now = await enqueue(database, uuid.uuid4(), count=20), clock.now()

    async def claim_in(order: list[uuid.UUID]) -> list[uuid.UUID]:
        async with raw_connection(database.platform) as conn:
            return [item.id for item in await claims.claim_many(conn, order, now)]

    claimed = await asyncio.gather(*(claim_in(ids if number % 2 else ids[::-1]) for number in range(6)))
    assert sorted(message_id for part in claimed for message_id in part) == sorted(ids)
