"""The relay: tells the broker which messages are due. The only process that ever waits for the broker.

A broker that is down or hangs delays the work and loses none of it: what it did not take is hinted again.
"""

import asyncio
import threading
import uuid
from collections.abc import Callable, Sequence

import structlog

from app.core import clock
from app.core.db.engine import Database, raw_connection
from app.core.observability import OUTBOX_AGE_SECONDS, OUTBOX_DEAD
from app.core.outbox import claims

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.005
"""The pause before the next look when nothing was found, doubled up to half a second: workers take hints within milliseconds, and
a tenant has twenty at a time."""
GAUGE_SECONDS = 5.0
PUBLISH_SECONDS = 5.0
LONGEST_BACK_OFF_SECONDS = 5.0

Publish = Callable[[Sequence[uuid.UUID]], None]


async def in_thread(work: Callable[[], None], *, seconds: float) -> None:
    """Run blocking `work` in a thread of its own; TimeoutError after `seconds`, and the thread is left to its fate.

    A daemon thread, because those of a pool would hold up the end of the process while the broker hangs.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as raised:
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, name="publish", daemon=True).start()
    await asyncio.wait_for(outcome, seconds)


async def relay_once(database: Database, publish: Publish) -> int:
    """Hint everything that is due and return how many messages that were; raises what `publish` raises, with nothing lost."""
    async with raw_connection(database.platform) as conn:
        found = await claims.sweep(conn, clock.now())
    if found.gave_up:
        log.error("messages_dead", count=found.gave_up, reason="worker_died")
    if not found.ids:
        return 0
    try:
        await in_thread(lambda: publish(found.ids), seconds=PUBLISH_SECONDS)
    except Exception:
        async with raw_connection(database.platform) as conn:
            await claims.unhint(conn, found.ids)
        raise
    return len(found.ids)


async def run_relay(database: Database, publish: Publish) -> None:
    """Relay until cancelled. Two relays at once share the work and never hint the same message together."""
    back_off, pause, next_gauge = IDLE_SECONDS, FIRST_PAUSE_SECONDS, 0.0
    loop = asyncio.get_running_loop()
    while True:
        try:
            count = await relay_once(database, publish)
            if loop.time() >= next_gauge:
                await set_gauges(database)
                next_gauge = loop.time() + GAUGE_SECONDS
            back_off = IDLE_SECONDS
            if count:
                pause = FIRST_PAUSE_SECONDS
            else:
                await asyncio.sleep(pause)
                pause = min(IDLE_SECONDS, 2 * pause)
        except Exception as error:  # the database or the broker is away: wait, and catch up
            log.warning("relay_waits", error=type(error).__name__, seconds=back_off)
            await asyncio.sleep(back_off)
            back_off = min(LONGEST_BACK_OFF_SECONDS, back_off * 2)


async def set_gauges(database: Database) -> None:
    """Publish the age of the oldest due message and the number of dead ones as metrics."""
    async with raw_connection(database.platform) as conn:
        backlog = await claims.read_backlog(conn, clock.now())
    OUTBOX_AGE_SECONDS.set(backlog.oldest_due_seconds)
    OUTBOX_DEAD.set(backlog.dead)
