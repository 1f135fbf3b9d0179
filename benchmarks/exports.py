"""Exports: what the download reads and writes against a bare COPY out of the same rows, in one run, as a ratio.

    python -m benchmarks exports [--cards 20000,200000] [--rounds 3]

For each kind of file, in turn: all of it piece by piece as the route does it (a short unit of work each, cells made safe, people and
cards put together), in a process of its own; and one COPY (FORMAT csv) of the same rows with all their columns, as the application's
role. The peak memory is that of the process that wrote the file; flat means that it does not grow with the file.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from app.core.config import Settings
from app.core.context import SYSTEM, Principal, unit_of_work
from app.core.db import migrate
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.modules.loyalty.queries.exports import Place
from app.modules.loyalty.services import export_service
from app.modules.loyalty.services.export_service import START, ExportKind
from app.ops import bootstrap_roles
from app.ops.embedded_postgres import SUPERUSER, EmbeddedPostgres, ephemeral_postgres
from benchmarks.data import create_tenant
from benchmarks.expiry import PEAK
from benchmarks.stamp import POSTGRES, platform_settings

WRITER = "import sys; from benchmarks.exports import write; write(sys.argv[1], sys.argv[2], sys.argv[3])"
# The rows that each file is made of, with all their columns.
_PEOPLE = "customers c LEFT JOIN customer_consents s ON s.merchant_id = c.merchant_id AND s.customer_id = c.id"
BARE = {
    ExportKind.CARDS: (
        f"SELECT k.*, c.*, s.* FROM {_PEOPLE} JOIN loyalty_cards k ON c.merchant_id = k.merchant_id AND c.id = k.customer_id"
        " WHERE k.merchant_id = '{merchant_id}'"
    ),
    ExportKind.TRANSACTIONS: (
        "SELECT t.*, k.card_number FROM loyalty_transactions t JOIN loyalty_cards k ON k.merchant_id = t.merchant_id AND k.id = t.card_id"
        " WHERE t.merchant_id = '{merchant_id}'"
    ),
    ExportKind.CUSTOMERS: f"SELECT c.*, s.* FROM {_PEOPLE} WHERE c.merchant_id = '{{merchant_id}}'",
}
# The merchant of the benchmarks has neither consents nor transactions of different instants.
CONSENTS = """
INSERT INTO customer_consents (merchant_id, id, customer_id, purpose, action, source, text_version, locale, at)
SELECT merchant_id, gen_random_uuid(), id, 'marketing', 'granted', 'storefront', '1', 'lb', created_at
FROM customers WHERE merchant_id = $1 AND get_byte(uuid_send(id), 15) % 2 = 0
"""
SPREAD = """
UPDATE loyalty_transactions SET created_at = created_at + get_byte(uuid_send(id), 15) * interval '3 minutes'
  + get_byte(uuid_send(id), 14) * interval '0.7 seconds' + get_byte(uuid_send(id), 13) * interval '2.7 milliseconds'
WHERE merchant_id = $1
"""


def write(url: str, merchant_id: str, kind: str) -> None:
    """Write a whole file to nowhere, piece by piece, and print seconds, lines and MB. For a process of its own."""
    seconds, lines = asyncio.run(_write(url, uuid.UUID(merchant_id), ExportKind(kind)))
    found = PEAK.search(Path("/proc/self/status").read_text())
    print(f"{seconds} {lines} {int(found[1]) / 1024 if found else 0}", flush=True)


async def _write(url: str, merchant_id: uuid.UUID, kind: ExportKind) -> tuple[float, int]:
    load_modules()
    database = Database.from_settings(
        Settings(env="test", database_url=SecretStr(url), platform_database_url=SecretStr(url)), application="orion-bench"
    )
    who = Principal(SYSTEM, merchant_id)
    lines, after = -1, START
    started = time.perf_counter()
    async with unit_of_work(database, who) as ctx:
        selection = await export_service.select(ctx, kind, since=None, until=None, store_id=None, is_for_excel=False)
    place: Place | None = after
    while place is not None:
        async with unit_of_work(database, who) as ctx:
            piece, place = await export_service.read_piece(ctx, kind, selection, place, is_for_excel=False)
        lines += piece.count(b"\n")
    seconds = time.perf_counter() - started
    await database.dispose()
    return seconds, lines


async def copy_out(server: EmbeddedPostgres, merchant_id: uuid.UUID, kind: ExportKind) -> float:
    """Copy the same rows out at once; return the seconds."""
    conn = await asyncpg.connect(server.url_app, command_timeout=None)
    await conn.execute(f"SET app.merchant_id = '{merchant_id}'; SET statement_timeout = 0")

    async def forget(_data: bytes) -> None:
        pass

    started = time.perf_counter()
    await conn.copy_from_query(BARE[kind].format(merchant_id=merchant_id), output=forget, format="csv")
    seconds = time.perf_counter() - started
    await conn.close()
    return seconds


async def measure(server: EmbeddedPostgres, cards: int, *, rounds: int) -> dict[ExportKind, tuple[float, float]]:
    """Return the median ratio and the peak memory of each kind of file; print each round."""
    tenant = await create_tenant(server.url(SUPERUSER, bootstrap_roles.DATABASE), cards=cards)
    conn = await asyncpg.connect(server.url(SUPERUSER, bootstrap_roles.DATABASE), command_timeout=None)
    await conn.execute(CONSENTS, tenant.merchant_id)
    await conn.execute("SET session_replication_role = replica")  # the ledger's own guard lets nobody change a row
    await conn.execute(SPREAD, tenant.merchant_id)
    # A ledger lies in the order in which it was booked.
    await conn.execute("CLUSTER loyalty_transactions USING ix_loyalty_transactions_merchant_id_created_at")
    await conn.execute("VACUUM ANALYZE")
    await conn.close()
    results: dict[ExportKind, tuple[float, float]] = {}
    for kind in ExportKind:
        ratios, peaks = [], []
        for _ in range(rounds):
            command = [sys.executable, "-c", WRITER, server.url_app, str(tenant.merchant_id), kind.value]
            done = await asyncio.to_thread(subprocess.run, command, env=os.environ, stdout=subprocess.PIPE, text=True, check=True)
            seconds, lines, megabytes = (float(part) for part in done.stdout.split()[-3:])
            bare = await copy_out(server, tenant.merchant_id, kind)
            ratios.append(bare / seconds)
            peaks.append(megabytes)
            print(
                f"  {kind.value}: COPY {lines / bare:,.0f} lines/s, export {lines / seconds:,.0f} lines/s, ratio {ratios[-1]:.2f},"
                f" peak {megabytes:.0f} MB",
                flush=True,
            )
        results[kind] = statistics.median(ratios), max(peaks)
    return results


def main() -> None:
    """Measure every size and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", default="20000,200000")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    found = {}
    with platform_settings():
        for size in (int(part) for part in arguments.cards.split(",")):
            with ephemeral_postgres(durable=True, settings=POSTGRES) as server:
                migrate.upgrade(server.url_owner)
                found[size] = asyncio.run(measure(server, size, rounds=arguments.rounds))
    for size, results in found.items():
        for kind, (ratio, peak) in results.items():
            print(f"{kind.value} of {size:,} cards: {ratio:.2f} of a bare COPY out, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
