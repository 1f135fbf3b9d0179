"""What a web process tells about itself: answers 429 per store, which alerts are made from, and how busy its pools are.

Refusals are counted in memory and added to a table every few seconds, if there were any: several processes and machines then
make one number, and an attack costs the database one statement in five seconds.
"""

import asyncio
import contextlib
import datetime as dt
import uuid

import structlog

from app.core.db.engine import Database, raw_connection
from app.core.observability import POOL_IN_USE, POOL_WAITING, STORE_RATE_LIMITED

log = structlog.get_logger(__name__)

STORE = "orion.store_id"
"""Where a request's scope says at which store it was made, once that is known."""
INTERVAL_SECONDS = 5.0
MOST_LABELS = 200
"""Stores that get a time series of their own in each process; the others share one."""
OTHERS = "other"
MOST_COUNTS = 10_000

ADD = """
INSERT INTO core_store_refusals (minute, store_id, count) SELECT * FROM unnest($1::timestamptz[], $2::uuid[], $3::int[])
ON CONFLICT (minute, store_id) DO UPDATE SET count = core_store_refusals.count + excluded.count
"""


class RefusalCounter:
    """Answers 429 by store and minute since the last flush; one object per process."""

    def __init__(self) -> None:
        self._counts: dict[tuple[dt.datetime, uuid.UUID], int] = {}
        self._labels: set[uuid.UUID] = set()

    def note(self, store_id: uuid.UUID, now: dt.datetime) -> None:
        """Count one answer."""
        key = (now.replace(second=0, microsecond=0), store_id)
        if key in self._counts or len(self._counts) < MOST_COUNTS:
            self._counts[key] = self._counts.get(key, 0) + 1
        if len(self._labels) < MOST_LABELS:
            self._labels.add(store_id)
        STORE_RATE_LIMITED.labels(str(store_id) if store_id in self._labels else OTHERS).inc()

    async def flush(self, database: Database) -> None:
        """Add what was counted to the table. When that fails the counts wait for the next time, and the error goes up."""
        if not self._counts:
            return
        counts, self._counts = self._counts, {}
        rows = sorted(counts.items())  # the same order in every process: two at once cannot lock each other out
        try:
            async with raw_connection(database.platform) as conn:
                await conn.execute(
                    ADD, [minute for (minute, _), _ in rows], [store for (_, store), _ in rows], [count for _, count in rows]
                )
        except BaseException:
            for key, count in counts.items():
                self._counts[key] = self._counts.get(key, 0) + count
            raise


async def keep_measuring(database: Database, refusals: RefusalCounter) -> None:
    """Every five seconds, until cancelled, add up the refusals and publish how busy the pools are; a last time at the end."""
    try:
        while True:
            publish_pools(database)
            try:
                await refusals.flush(database)
            except Exception as error:  # the database is away; the counts are kept
                log.warning("refusals_not_noted", error=type(error).__name__)
            await asyncio.sleep(INTERVAL_SECONDS)
    finally:
        for pool in ("app", "platform"):
            POOL_IN_USE.labels(pool).set(0)
            POOL_WAITING.labels(pool).set(0)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await refusals.flush(database)


def publish_pools(database: Database) -> None:
    """Publish how many units of work hold a connection of each pool, and how many wait for one."""
    for pool, turns in (("app", database.app_turns), ("platform", database.platform_turns)):
        POOL_IN_USE.labels(pool).set(turns.in_use)
        POOL_WAITING.labels(pool).set(turns.waiting)
