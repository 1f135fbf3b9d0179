"""Mails through the outbox: outbox, relay, broker, worker, SMTP, against a bare loop over one connection, in one run.

    python -m benchmarks fanout [--mails 3000] [--waiting 50000] [--rounds 3] [--workers 1]

Real relay and worker processes, durable commits, an SMTP server in a process of its own. The bare loop sends the very same mails
with smtplib over one connection. Then, while `--waiting` mails of one merchant are queued, another merchant's single mail is
timed from its commit to its arrival, several times.
"""

import argparse
import asyncio
import dataclasses
import os
import smtplib
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from app.core.config import get_settings
from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.core.testing.processes import Stack, running_stack, wait_for
from app.modules.loyalty.services import notification_service
from app.modules.loyalty.tests.counter import Shop, make_card, make_shop
from benchmarks.data import Tenant, create_tenant
from benchmarks.sink import Sink, running_sink
from benchmarks.stamp import POSTGRES

CARDS = 2_000
CHUNK = 500
SINGLES = 5
WARM_UP = 300
LIST_CARDS = "SELECT id, customer_id, enrolled_at_store_id FROM loyalty_cards WHERE merchant_id = $1 ORDER BY id"


@dataclasses.dataclass(frozen=True, slots=True)
class EnrolledCard:
    """What a notification needs to know of a card."""

    id: uuid.UUID
    customer_id: uuid.UUID
    enrolled_at_store_id: uuid.UUID


class Mailing:
    """One merchant's cards, to be written to as often as asked."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        self.database = database
        self.who = Principal(SYSTEM, tenant.merchant_id)

    async def queue(self, count: int) -> float:
        """Queue `count` mails in chunks of 500; return when the last was committed."""
        async with unit_of_work(self.database, self.who) as ctx:
            cards = [EnrolledCard(*row) for row in await ctx.conn.fetch(LIST_CARDS, self.who.merchant_id)]
        for first in range(0, count, CHUNK):
            async with unit_of_work(self.database, self.who) as ctx:
                for number in range(first, min(count, first + CHUNK)):
                    notification_service.send_enrollment_confirmation(ctx, cards[number % len(cards)])
        return time.monotonic()


def send_bare(sink: Sink, mails: Sequence[bytes], *, seconds: float) -> float:
    """Send `mails` again and again over one connection for `seconds`; return mails per second."""
    with smtplib.SMTP("127.0.0.1", sink.port) as connection:
        connection.ehlo()
        count, started = 0, time.monotonic()
        while time.monotonic() - started < seconds:
            connection.mail("bench@example.com")
            connection.rcpt("bare@example.com")
            code, _ = connection.data(mails[count % len(mails)])
            assert code == 250
            count += 1
        return count / (time.monotonic() - started)


async def send_through(mailing: Mailing, sink: Sink, *, mails: int) -> float:
    """Queue `mails` and wait for all; return mails per second from the first commit's begin to the last arrival."""
    before, started = sink.count(), time.monotonic()
    await mailing.queue(mails)
    await asyncio.to_thread(wait_for, lambda: sink.count() >= before + mails, seconds=600, what="all mails arrived")
    return mails / (sink.arrivals()[before + mails - 1][0] - started)


async def analyze(superuser_url: str) -> None:
    """Tell the planner what autovacuum tells it in the first minute: the tables were analyzed when no mail had been sent yet."""
    conn = await asyncpg.connect(superuser_url)
    await conn.execute("ANALYZE")
    await conn.close()


async def time_singles(database: Database, shop: Shop, sink: Sink) -> list[float]:
    """Let new customers of another merchant enroll, one by one; return the seconds from each commit to its mail's arrival."""
    delays = []
    for _ in range(SINGLES):
        card = await make_card(database, shop)
        committed = time.monotonic()
        async with unit_of_work(database, Principal(SYSTEM, shop.id)) as ctx:
            email = await ctx.conn.fetchval("SELECT email FROM customers WHERE id = $1", card.customer_id)
        delays.append(await asyncio.to_thread(_wait_for_arrival, sink, email) - committed)
        await asyncio.sleep(1)
    return delays


def _arrival(sink: Sink, recipient: str) -> float | None:
    return next((at for at, to in sink.arrivals() if to == recipient), None)


def _wait_for_arrival(sink: Sink, recipient: str) -> float:
    wait_for(lambda: _arrival(sink, recipient) is not None, seconds=120, what=f"{recipient} has arrived")
    return _arrival(sink, recipient) or 0.0


def measure_rates(mailing: Mailing, sink: Sink, loop: asyncio.Runner, *, mails: int, rounds: int) -> float:
    """Print and return the median of the ratios."""
    ratios = []
    for number in range(rounds):
        bare = send_bare(sink, sink.mails(), seconds=5)
        ours = loop.run(send_through(mailing, sink, mails=mails))
        ratios.append(ours / bare)
        print(f"  round {number + 1}: bare loop {bare:.0f} mails/s, outbox to SMTP {ours:.0f} mails/s, ratio {ratios[-1]:.2f}", flush=True)
    return statistics.median(ratios)


async def measure_delay(mailing: Mailing, database: Database, sink: Sink, *, waiting: int) -> float:
    """Print and return the longest delay of another merchant's single mail while `waiting` mails are queued."""
    shop, before = await make_shop(database), sink.count()
    await mailing.queue(waiting)
    started, first = time.monotonic(), sink.count()
    delays = await time_singles(database, shop, sink)
    rate = (sink.count() - first) / (time.monotonic() - started)
    left = before + waiting + SINGLES - sink.count()
    print(f"  {waiting:,} queued ({left:,} still wait at the end): {rate:.0f} mails/s meanwhile;", end=" ")
    print(f"another merchant's single mail took {', '.join(f'{delay:.1f}' for delay in delays)} s", flush=True)
    return max(delays)


def run(stack: Stack, sink: Sink, options: argparse.Namespace) -> None:
    """Measure on a running stack."""
    with asyncio.Runner() as loop:
        database = Database.from_settings(get_settings())
        tenant = loop.run(create_tenant(stack.urls.superuser, cards=CARDS))
        stack.start("relay")
        for number in range(options.workers):
            stack.start("worker", f"worker_{number + 1}")
        mailing = Mailing(database, tenant)
        loop.run(send_through(mailing, sink, mails=WARM_UP))
        loop.run(analyze(stack.urls.superuser))
        ratio = measure_rates(mailing, sink, loop, mails=options.mails, rounds=options.rounds)
        delay = loop.run(measure_delay(mailing, database, sink, waiting=options.waiting)) if options.waiting else 0.0
        loop.run(database.dispose())
    print(f"fan-out: ratio {ratio:.2f} of the bare loop; longest delay of another merchant's mail {delay:.1f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=3_000)
    parser.add_argument("--waiting", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name, running_sink(Path(name) / "sink") as sink:
        environment = {"ORION_SMTP_URL": sink.url}
        with running_stack(Path(name) / "stack", environment=environment, postgres_settings=POSTGRES) as stack:
            os.environ |= {name: value for name, value in stack.environment.items() if name.startswith("ORION_")}
            get_settings.cache_clear()
            load_modules()
            run(stack, sink, options)


if __name__ == "__main__":
    main()
