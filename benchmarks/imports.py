"""Imports: the real task against a bare COPY of the rows that it wrote, into the same tables, in one run, as a ratio.

    python -m benchmarks imports [--lines 10000,100000] [--rounds 3]

For each size, in turn: a file goes in by the service and is checked and imported by the real tasks, in a process of its own as a
worker does it, in chunks of 1,000 with leases, locks, progress and commits; and the rows that came out of it (people, consents, cards,
ledger) are copied by COPY, as the owner of the tables, into those same tables of another merchant, all indexes and keys in place.
Durable commits. The peak memory is that of the process that ran the task.
"""

import argparse
import asyncio
import io
import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from app.core import clock, files
from app.core.config import Settings, get_settings
from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db import migrate
from app.core.db.engine import Database
from app.core.ids import new_id
from app.core.modules import load_modules
from app.core.tasks.registry import handlers_of
from app.core.tasks.runner import Runner
from app.core.tasks.task import worker_settings
from app.modules.loyalty.domain.import_plan import Choices
from app.modules.loyalty.domain.import_text import Intake
from app.modules.loyalty.services import import_service
from app.ops import bootstrap_roles
from app.ops.embedded_postgres import SUPERUSER, EmbeddedPostgres, ephemeral_postgres
from benchmarks.expiry import MERCHANT, PEAK
from benchmarks.stamp import POSTGRES, platform_settings

WORKER = "import sys; from benchmarks.imports import work; work(sys.argv[1], sys.argv[2])"
COPIED = ("customers", "customer_consents", "loyalty_cards", "loyalty_transactions")
"""The tables in which an import leaves rows, in the order of their keys."""
HEADER = "email,first_name,last_name,phone,birth_date,language,points,stamps,marketing,last_visit_at\n"
TURNS = "SELECT id FROM core_outbox WHERE merchant_id = $1 AND task = $2 AND done_at IS NULL AND dead_at IS NULL"
COLUMNS = """
SELECT column_name, is_generated <> 'NEVER' AS is_generated, data_type = 'uuid' AS is_id FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position
"""


def table_of(lines: int) -> bytes:
    """Return a file of `lines` people, everybody with a balance and every other one with consent."""
    text = io.StringIO()
    text.write(HEADER)
    for number in range(lines):
        day = f"{1950 + number % 50}-{1 + number % 12:02d}-{1 + number % 28:02d}"
        text.write(
            f"person{number}@example.lu,Léa{number % 997},Weber{number % 4999},+352621{number:06d},{day},fr,{1 + number % 900},"
            f"{number % 10},{'yes' if number % 2 else 'no'},2026-0{1 + number % 9}-11\n"
        )
    return text.getvalue().encode()


def work(merchant_id: str, task: str) -> None:
    """Run the merchant's waiting message of `task`, and the turns that follow, as a worker does; print seconds and MB."""
    seconds = asyncio.run(_work(uuid.UUID(merchant_id), task))
    found = PEAK.search(Path("/proc/self/status").read_text())
    print(f"{seconds} {int(found[1]) / 1024 if found else 0}", flush=True)


async def _work(merchant_id: uuid.UUID, task: str) -> float:
    database = Database.from_settings(worker_settings(get_settings()), application="orion-worker")
    runner = Runner(database, handlers_of(load_modules()))
    started = time.perf_counter()
    while turns := await _turns(database, merchant_id, task):
        for message_id in turns:
            await runner.run(message_id)
    seconds = time.perf_counter() - started
    await database.dispose()
    return seconds


async def _turns(database: Database, merchant_id: uuid.UUID, task: str) -> list[uuid.UUID]:
    async with unit_of_work(database, Principal(SYSTEM, merchant_id)) as ctx:
        return [row["id"] for row in await ctx.conn.fetch(TURNS, merchant_id, task)]


class Bench:
    """One server, and merchants with empty tables."""

    def __init__(self, server: EmbeddedPostgres, conn: asyncpg.Connection, database: Database) -> None:
        self.conn, self.database = conn, database
        self.environment = os.environ | {"ORION_DATABASE_URL": server.url_app, "ORION_PLATFORM_DATABASE_URL": server.url_platform}

    async def create(self) -> tuple[uuid.UUID, uuid.UUID]:
        """Make a merchant without a customer; return its id and its store's."""
        merchant_id, store_id = new_id(), new_id()
        await self.conn.execute(MERCHANT, merchant_id, store_id, new_id(), clock.now(), 365)
        return merchant_id, store_id

    async def upload(self, merchant_id: uuid.UUID, store_id: uuid.UUID, content: bytes) -> uuid.UUID:
        """Put the file in and ask for its check."""
        intake = Intake()
        async with unit_of_work(self.database, Principal(SYSTEM, merchant_id)) as ctx:
            import_id, file_id = await import_service.begin_upload(ctx, file_name="bench.csv")
            for first in range(0, len(content), files.PART_BYTES):
                intake.feed(content[first : first + files.PART_BYTES])
                await files.append(ctx, file_id, content[first : first + files.PART_BYTES])
            job = await import_service.end_upload(ctx, import_id, intake)
            preview = await import_service.read_preview(ctx, job)
            choices = Choices(
                columns=preview.columns,
                width=len(preview.header),
                delimiter=preview.delimiter,
                date_order=preview.date_order,
                store_id=store_id,
            )
            await import_service.start_check(ctx, import_id, choices)
        return import_id

    async def run_task(self, merchant_id: uuid.UUID, task: str) -> tuple[float, float]:
        """Run a task to its end in a process of its own; return seconds and the most memory it held, in MB."""
        command = [sys.executable, "-c", WORKER, str(merchant_id), task]
        done = await asyncio.to_thread(subprocess.run, command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
        seconds, megabytes = (float(part) for part in done.stdout.split()[-2:])
        return seconds, megabytes

    async def run_import(self, content: bytes, lines: int) -> tuple[uuid.UUID, float, float, float]:
        """Check and import a file; return the merchant, the seconds of both, and the most memory."""
        merchant_id, store_id = await self.create()
        import_id = await self.upload(merchant_id, store_id, content)
        checked, first_peak = await self.run_task(merchant_id, import_service.CHECK_TASK)
        async with unit_of_work(self.database, Principal(SYSTEM, merchant_id)) as ctx:
            await import_service.start_run(ctx, import_id)
        await self.settle()
        imported, peak = await self.run_task(merchant_id, import_service.RUN_TASK)
        for table in ("customers", "loyalty_cards", "loyalty_transactions"):
            found = await self.conn.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", merchant_id)
            if found != lines:
                raise SystemExit(f"{found} rows of {table} for {lines} lines")
        return merchant_id, checked, imported, max(peak, first_peak)

    async def run_copy(self, source: uuid.UUID) -> float:
        """Copy the rows of a merchant into the same tables as another's; return the seconds of the COPY and its commit alone."""
        merchant_id, store_id = await self.create()
        program_id = await self.conn.fetchval("SELECT id FROM loyalty_programs WHERE merchant_id = $1", merchant_id)
        changed = {"merchant_id": merchant_id, "registered_store_id": store_id, "enrolled_at_store_id": store_id, "program_id": program_id}
        await self.settle()
        seconds = 0.0
        for table in COPIED:
            names = [row["column_name"] for row in await self.conn.fetch(COLUMNS, table) if not row["is_generated"]]
            values = ", ".join(f"'{changed[name]}'::uuid" if name in changed else name for name in names)
            rows = io.BytesIO()
            await self.conn.copy_from_query(f"SELECT {values} FROM {table} WHERE merchant_id = '{source}'", output=rows, format="binary")
            rows.seek(0)
            started = time.perf_counter()
            await self.conn.copy_to_table(table, source=rows, columns=names, format="binary")
            seconds += time.perf_counter() - started
        return seconds

    async def settle(self) -> None:
        """Bring statistics up to date and write everything to disk, so that no measurement pays for the one before."""
        await self.conn.execute("VACUUM ANALYZE")
        await self.conn.execute("CHECKPOINT")


async def measure(server: EmbeddedPostgres, lines: int, *, rounds: int) -> tuple[float, float]:
    """Return the median ratio of one size, and the task's peak memory in MB; print each round."""
    conn = await asyncpg.connect(server.url(SUPERUSER, bootstrap_roles.DATABASE), command_timeout=None)
    settings = Settings(env="test", database_url=SecretStr(server.url_app), platform_database_url=SecretStr(server.url_platform))
    database = Database.from_settings(settings, application="orion-bench")
    bench, content = Bench(server, conn, database), table_of(lines)
    ratios, peaks = [], []
    for _ in range(rounds):
        merchant_id, checked, imported, peak = await bench.run_import(content, lines)
        copied = await bench.run_copy(merchant_id)
        ratios.append(copied / imported)
        peaks.append(peak)
        print(
            f"  {lines:,} lines: COPY {lines / copied:,.0f}/s, import {lines / imported:,.0f}/s, check {lines / checked:,.0f}/s,"
            f" ratio {ratios[-1]:.2f}, peak {peak:.0f} MB",
            flush=True,
        )
    await database.dispose()
    await conn.close()
    return statistics.median(ratios), max(peaks)


def main() -> None:
    """Measure every size and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", default="10000,100000")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    load_modules()
    results: dict[int, tuple[float, float]] = {}
    with platform_settings():
        for size in (int(part) for part in arguments.lines.split(",")):
            with ephemeral_postgres(durable=True, settings=POSTGRES) as server:
                migrate.upgrade(server.url_owner)
                results[size] = asyncio.run(measure(server, size, rounds=arguments.rounds))
    for size, (ratio, peak) in results.items():
        print(f"{size:>9,} lines imported: {ratio:.2f} of a bare COPY of the same rows, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
