"""Points that expire: the nightly task against one giant statement that writes the same rows, in one run, as a ratio.

    python -m benchmarks expiry [--cards 10000,100000,1000000] [--rounds 3] [--seconds 10]

For each size, in turn, `--rounds` times (once at a million): the real task, its message taken up by one process as a worker takes
it, with its chunks of 500, leases, progress and commits; and one statement of the application's role that appends the same rows to
the ledger, updates the same cards and writes the same messages, of a merchant of the same size. Durable commits. The peak memory is
that of the process that ran the task. Last, the stamp of benchmarks.stamp through HTTP, alone and while a task expires the points
of the same merchant, `--seconds` each.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import datetime as dt
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from app.core import clock
from app.core.config import get_settings
from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db import migrate
from app.core.db.engine import Database
from app.core.ids import new_id
from app.core.modules import load_modules
from app.core.outbox import writer
from app.core.tasks.registry import handlers_of
from app.core.tasks.runner import Runner
from app.core.tasks.task import worker_settings
from app.modules.loyalty.events import PointsExpired
from app.modules.loyalty.services.expiry_service import KIND
from app.ops import bootstrap_roles
from app.ops.embedded_postgres import SUPERUSER, EmbeddedPostgres, ephemeral_postgres
from benchmarks.data import Tenant, create_tenant
from benchmarks.stamp import POSTGRES, platform_settings, run_http, web

MILLION = 1_000_000
HOT_CARDS = 10_000
WAITING_CARDS = 400_000
"""Enough to expire for as long as the stamps are measured."""
DAYS = 365
BUILD_CHUNK = 100_000
WORKER = "import sys; from benchmarks.expiry import work; work(sys.argv[1])"

MERCHANT = """
WITH merchant AS (
  INSERT INTO tenancy_merchants (id, name, status, locale, time_zone, currency, created_at)
  VALUES ($1, 'Expiry', 'active', 'fr', 'Europe/Luxembourg', 'EUR', $4)), store AS (
  INSERT INTO tenancy_stores (merchant_id, id, code, name, address_line, postal_code, city, country, time_zone, locale, status, created_at)
  VALUES ($1, $2::uuid, 'expiry-' || $2::uuid, 'Expiry', '', '', '', 'LU', 'Europe/Luxembourg', 'fr', 'open', $4)), settings AS (
  INSERT INTO loyalty_merchant_settings (merchant_id, updated_at) VALUES ($1, $4))
INSERT INTO loyalty_programs (merchant_id, id, type, name, card_name, colour, points_expiration_days, created_at, updated_at)
VALUES ($1, $3, 'both', 'Expiry', 'Expiry', '#3730a3', $5, $4, $4)
"""
CARDS = """
INSERT INTO loyalty_cards (merchant_id, id, program_id, enrolled_at_store_id, card_number, qr_token, stamps_target, points_balance,
  total_points_earned, visit_count, last_activity_at, first_visit_at, created_at, updated_at)
SELECT $1, ('0199f1a0-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $2, $3, (200000000000 + n)::text,
       'OL2' || lpad(n::text, 32, '0'), 10, 1 + n % 97, 1 + n % 97, 1, $4, $4, $4, $4
FROM generate_series($5::int, $6::int) AS n
"""
ROWS = """
INSERT INTO loyalty_transactions (merchant_id, id, card_id, store_id, type, stamps_delta, points_delta, owed_delta, stamps_after,
  points_after, owed_after, amount_cents, points_rate, op_key, created_at)
SELECT $1, ('0199f1a0-0001-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ('0199f1a0-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       $2, 'points_earned', 0, 1 + n % 97, 0, 0, 1 + n % 97, 0, 100 * (1 + n % 97), 10000, 'earned:' || n, $3
FROM generate_series($4::int, $5::int) AS n
"""
OLD_MESSAGES = """
INSERT INTO core_outbox (id, merchant_id, task, payload, available_at, created_at, done_at, attempts)
SELECT gen_random_uuid(), gen_random_uuid(), 'bench.done', '{}', $1, $1, $1, 1 FROM generate_series(1, 50000)
"""

# What the task writes, at once: the limit. Ids are made by the server, in order where it can (PostgreSQL 18).
GIANT = """
WITH due AS MATERIALIZED (
  SELECT id, stamp_count, points_balance, {new_id} AS row_id FROM loyalty_cards
  WHERE merchant_id = $1 AND deleted_at IS NULL AND status = 'active' AND points_balance > 0 AND last_activity_at < $3
), booked AS (
  INSERT INTO loyalty_transactions (merchant_id, id, card_id, type, stamps_delta, points_delta, owed_delta, stamps_after, points_after,
    owed_after, op_key, created_at)
  SELECT $1, row_id, id, 'points_expired', 0, -points_balance, 0, stamp_count, 0, 0, 'expiry:' || id || ':' || $4, $2 FROM due
), messages AS (
  INSERT INTO core_outbox (merchant_id, id, task, payload, available_at, created_at)
  SELECT $1, {new_id}, s.task, jsonb_build_object('card_id', id, 'transaction_id', row_id, 'points', points_balance), $2, $2
  FROM due CROSS JOIN unnest($5::text[]) AS s (task)
)
UPDATE loyalty_cards c SET points_balance = 0, total_points_voided = c.total_points_voided + c.points_balance, updated_at = $2
FROM due d WHERE c.merchant_id = $1 AND c.id = d.id
"""
WRITTEN = """
SELECT (SELECT count(*) FROM loyalty_transactions WHERE merchant_id = $1 AND type = 'points_expired') AS rows,
       (SELECT count(*) FROM core_outbox WHERE merchant_id = $1 AND task <> $2) AS messages,
       (SELECT count(*) FROM loyalty_cards WHERE merchant_id = $1 AND points_balance > 0) AS left_over
"""
TURNS = "SELECT id FROM core_outbox WHERE merchant_id = $1 AND task = $2 AND done_at IS NULL AND dead_at IS NULL"
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclasses.dataclass(frozen=True, slots=True)
class Worked:
    """What the process that ran the task says: seconds from its first turn to the last, and the most memory it held, in MB."""

    seconds: float
    megabytes: float


def work(merchant_id: str) -> None:
    """Run the merchant's waiting message, and the turns that follow, as a worker does; print what it took. For a process of its own."""
    seconds = asyncio.run(_work(uuid.UUID(merchant_id)))
    found = PEAK.search(Path("/proc/self/status").read_text())
    print(f"{seconds} {int(found[1]) / 1024 if found else 0}", flush=True)


async def _work(merchant_id: uuid.UUID) -> float:
    database = Database.from_settings(worker_settings(get_settings()), application="orion-worker")
    runner = Runner(database, handlers_of(load_modules()))
    started = time.perf_counter()
    while turns := await _turns(database, merchant_id):
        for message_id in turns:
            await runner.run(message_id)
    seconds = time.perf_counter() - started
    await database.dispose()
    return seconds


async def _turns(database: Database, merchant_id: uuid.UUID) -> list[uuid.UUID]:
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        return [row["id"] for row in await ctx.conn.fetch(TURNS, merchant_id, KIND)]


class Bench:
    """One server, and merchants whose points are due."""

    def __init__(self, server: EmbeddedPostgres, conn: asyncpg.Connection) -> None:
        self.server, self.conn = server, conn
        self.environment = os.environ | {"ORION_DATABASE_URL": server.url_app, "ORION_PLATFORM_DATABASE_URL": server.url_platform}

    async def create(self, cards: int) -> uuid.UUID:
        """Make a merchant with `cards` cards, a purchase each, all due; return its id."""
        merchant_id, store_id, program_id = new_id(), new_id(), new_id()
        since = clock.now() - dt.timedelta(days=2 * DAYS)
        await self.conn.execute(MERCHANT, merchant_id, store_id, program_id, since, DAYS)
        await self.fill(merchant_id, store_id, program_id, cards)
        return merchant_id

    async def fill(self, merchant_id: uuid.UUID, store_id: uuid.UUID, program_id: uuid.UUID, cards: int) -> None:
        """Give a merchant `cards` cards that are due."""
        visit = clock.now() - dt.timedelta(days=DAYS + 40)
        for first in range(1, cards + 1, BUILD_CHUNK):
            last = min(cards, first + BUILD_CHUNK - 1)
            await self.conn.execute(CARDS, merchant_id, program_id, store_id, visit, first, last)
            await self.conn.execute(ROWS, merchant_id, store_id, visit, first, last)

    async def fill_outbox(self) -> None:
        """Write messages of the last days, done: the planner then meets the table as it is in use."""
        await self.conn.execute(OLD_MESSAGES, clock.now() - dt.timedelta(days=3))

    async def settle(self) -> None:
        """Bring statistics up to date and write everything to disk, so that no measurement pays for the one before."""
        await self.conn.execute("VACUUM ANALYZE")
        await self.conn.execute("CHECKPOINT")

    async def ask(self, merchant_id: uuid.UUID) -> None:
        """Write the message that beat writes."""
        await self.conn.execute(
            "INSERT INTO core_outbox (id, merchant_id, task, payload, available_at, created_at) VALUES ($1, $2, $3, '{}', $4, $4)",
            new_id(), merchant_id, KIND, clock.now(),
        )  # fmt: skip

    @contextlib.contextmanager
    def worker(self, merchant_id: uuid.UUID) -> Iterator["subprocess.Popen[str]"]:
        """Run the merchant's task in a process of its own."""
        command = [sys.executable, "-c", WORKER, str(merchant_id)]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as process:
            yield process

    async def run_task(self, merchant_id: uuid.UUID) -> Worked:
        """Run the merchant's task to its end and return what it took."""
        await self.ask(merchant_id)
        with self.worker(merchant_id) as process:
            out, _ = await asyncio.to_thread(process.communicate)
        if process.returncode:
            raise SystemExit("the task failed")
        seconds, megabytes = (float(part) for part in out.split()[-2:])
        return Worked(seconds, megabytes)

    async def run_giant(self, merchant_id: uuid.UUID) -> float:
        """Write the same in one statement as the application's role; return the seconds, commit included."""
        conn = await asyncpg.connect(self.server.url_app, command_timeout=None)
        version = conn.get_server_version().major
        statement = GIANT.format(new_id="uuidv7()" if version >= 18 else "gen_random_uuid()")
        now, tasks = clock.now(), list(writer.tasks_for_event(PointsExpired.name))
        before = now - dt.timedelta(days=DAYS + 1)
        started = time.perf_counter()
        await conn.execute(f"BEGIN; SET LOCAL app.merchant_id = '{merchant_id}'; SET LOCAL statement_timeout = 0")
        await conn.execute(statement, merchant_id, now, before, str(now.date()), tasks)
        await conn.execute("COMMIT")
        seconds = time.perf_counter() - started
        await conn.close()
        return seconds

    async def check(self, merchant_id: uuid.UUID, cards: int) -> None:
        """Stop when somebody wrote more or less than a row and its messages for each card."""
        [row] = await self.conn.fetch(WRITTEN, merchant_id, KIND)
        if tuple(row) != (cards, cards * len(writer.tasks_for_event(PointsExpired.name)), 0):
            raise SystemExit(f"not the same rows: {dict(row)} for {cards} cards")


async def measure(server: EmbeddedPostgres, cards: int, *, rounds: int) -> tuple[float, float]:
    """Return the median ratio of one size, and the task's peak memory in MB; print each round."""
    conn = await asyncpg.connect(server.url(SUPERUSER, bootstrap_roles.DATABASE), command_timeout=None)
    bench = Bench(server, conn)
    await bench.fill_outbox()
    ratios, peaks = [], []
    for number in range(rounds):
        mine, giants = [await bench.create(cards) for _ in range(2)]
        seconds: dict[str, float] = {}
        for way in ("task", "giant") if number % 2 == 0 else ("giant", "task"):
            await bench.settle()
            if way == "task":
                worked = await bench.run_task(mine)
                seconds[way] = worked.seconds
                peaks.append(worked.megabytes)
            else:
                seconds[way] = await bench.run_giant(giants)
        for merchant_id in (mine, giants):
            await bench.check(merchant_id, cards)
        ratios.append(seconds["giant"] / seconds["task"])
        print(
            f"  {cards:,} cards: giant {cards / seconds['giant']:,.0f}/s, task {cards / seconds['task']:,.0f}/s,"
            f" ratio {ratios[-1]:.2f}, peak {peaks[-1]:.0f} MB",
            flush=True,
        )
    await conn.close()
    return statistics.median(ratios), max(peaks)


async def prepare_counter(server: EmbeddedPostgres) -> tuple[Tenant, Bench]:
    """Make a merchant with an open terminal, cards to stamp and cards whose points are due."""
    tenant = await create_tenant(server.url(SUPERUSER, bootstrap_roles.DATABASE), cards=HOT_CARDS)
    bench = Bench(server, await asyncpg.connect(server.url(SUPERUSER, bootstrap_roles.DATABASE), command_timeout=None))
    await bench.conn.execute("UPDATE loyalty_programs SET points_expiration_days = $2 WHERE id = $1", tenant.program_id, DAYS)
    await bench.fill(tenant.merchant_id, tenant.store_id, tenant.program_id, WAITING_CARDS)
    await bench.fill_outbox()
    await bench.settle()
    return tenant, bench


async def measure_counter(server: EmbeddedPostgres, *, seconds: int) -> float:
    """Return which share of its normal throughput the stamp keeps while points of the same merchant expire."""
    tenant, bench = await prepare_counter(server)
    with web(server) as port:

        async def stamps(seed: int, for_seconds: int) -> float:
            result = await asyncio.to_thread(run_http, port, tenant, cards=HOT_CARDS, seconds=for_seconds, seed=seed)
            print(f"  stamps {result.per_second:,.0f}/s, p99 {result.p99 * 1000:.0f} ms, {result.statuses}", flush=True)
            return result.per_second

        await stamps(1, 3)
        alone = await stamps(2, seconds)
        await bench.ask(tenant.merchant_id)
        with bench.worker(tenant.merchant_id) as process:
            before = await bench.conn.fetchval("SELECT 0")
            while not before:  # the process has to start first
                await asyncio.sleep(0.05)
                before = await bench.conn.fetchval("SELECT (counts->>'expired')::int FROM core_job_runs")
            beside = await stamps(3, seconds)
            expired = await bench.conn.fetchval("SELECT (counts->>'expired')::int FROM core_job_runs") - before
            is_over = process.poll() is not None
            process.terminate()
        print(f"  meanwhile {expired / seconds:,.0f} cards/s expired{'; it ended too early' if is_over else ''}", flush=True)
    await bench.conn.close()
    return beside / alone


def main() -> None:
    """Measure every size and the counter beside it, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", default="10000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    load_modules()
    results: dict[int, tuple[float, float]] = {}
    with platform_settings():
        for size in (int(part) for part in arguments.cards.split(",")):
            with ephemeral_postgres(durable=True, settings=POSTGRES) as server:
                migrate.upgrade(server.url_owner)
                results[size] = asyncio.run(measure(server, size, rounds=1 if size >= MILLION else arguments.rounds))
        with ephemeral_postgres(durable=True, settings=POSTGRES) as server:
            migrate.upgrade(server.url_owner)
            share = asyncio.run(measure_counter(server, seconds=arguments.seconds))
    for size, (ratio, peak) in results.items():
        print(f"{size:>9,} cards expired: {ratio:.2f} of the giant statement's rows per second, peak memory {peak:.0f} MB")
    print(f"stamps while points expire: {share:.2f} of the normal throughput")


if __name__ == "__main__":
    main()
