"""The stamp at the counter: HTTP against the bare database, in one run, as a ratio.

    python -m benchmarks.stamp [--cards 10000,1000000] [--seconds 20] [--rounds 3]

For each size: pgbench runs the statements of a stamp as prepared plain SQL with 16 clients, then the same stamp goes through
HTTP (two web processes, 16 connections, durable commits, rate limits off), in turn, `--rounds` times; medians are quoted.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from app.core.config import Settings
from app.core.db import migrate
from app.core.db.engine import Database
from app.ops import bootstrap_roles
from app.ops.embedded_postgres import SUPERUSER, EmbeddedPostgres, ephemeral_postgres
from app.ops.postgres_binaries import find_binaries
from benchmarks import load, plans
from benchmarks.data import Tenant, card_id, create

CLIENTS = 16
NEIGHBOURS = 2_000
"""Other merchants in the same tables, with a few rows each."""
POSTGRES = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "30min", "max_connections": "100"}

# The statements of app/modules/loyalty for one stamp, by hand and with nothing around them.
SCRIPT = r"""
\set n random(1, :cards)
BEGIN;
SELECT * FROM tenancy_open_session('\x{hash}'::bytea, 'terminal', now());
SELECT c.id, c.stamp_count, c.stamps_today, p.stamps_target, s.pin_policy, k.body, pin.role
FROM loyalty_cards c
JOIN loyalty_programs p ON p.merchant_id = c.merchant_id AND p.id = c.program_id
JOIN loyalty_merchant_settings s ON s.merchant_id = c.merchant_id
LEFT JOIN core_idempotency k ON k.merchant_id = c.merchant_id AND k.key = 'none'
LEFT JOIN loyalty_staff_pins pin ON pin.merchant_id = c.merchant_id AND pin.id = '{pin}' AND pin.is_active
WHERE c.merchant_id = '{merchant}' AND c.id = bench_id('a', :n) FOR NO KEY UPDATE OF c;
INSERT INTO loyalty_transactions (merchant_id, id, card_id, store_id, type, stamps_delta, points_delta, owed_delta, stamps_after,
  points_after, owed_after, points_forgiven, stamps_forgiven, stamps_target, op_key, terminal_id, staff_pin_id, created_at)
VALUES ('{merchant}', gen_random_uuid(), bench_id('a', :n), '{store}', 'stamp_earned', 1, 0, 0, 6, 0, 0, 0, 0, 10,
  gen_random_uuid()::text, '{terminal}', '{pin}', now());
UPDATE loyalty_cards SET stamp_count = stamp_count + 1, total_stamps_earned = total_stamps_earned + 1, last_stamp_at = now(),
  last_activity_at = now(), visit_count = visit_count + 1, stamps_today = stamps_today + 1, updated_at = now()
WHERE merchant_id = '{merchant}' AND id = bench_id('a', :n);
INSERT INTO core_idempotency (merchant_id, key, fingerprint, status, body, created_at)
VALUES ('{merchant}', gen_random_uuid()::text, '\x{hash}', 200, repeat('x', 420), now());
COMMIT;
"""


def run_pgbench(server: EmbeddedPostgres, tenant: Tenant, *, cards: int, seconds: int) -> float:
    """Return the stamps per second of pgbench with prepared statements, connected as the application's role."""
    from app.core.ids import hash_token

    script = SCRIPT.format(
        hash=hash_token(tenant.token).hex(),
        pin=tenant.pin_id,
        merchant=tenant.merchant_id,
        store=tenant.store_id,
        terminal=tenant.terminal_id,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stamp.sql"
        path.write_text(script)
        command = [
            find_binaries().program("pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds),
            "-D", f"cards={cards}", "-f", str(path), server.url_app,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


@contextlib.contextmanager
def platform_settings() -> Iterator[None]:
    """Give this process and its children keys of their own, and switch the rate limits off."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"ORION_SECRET_KEY_FILE": Path(folder) / "secret", "ORION_PIN_PEPPER_FILE": Path(folder) / "pepper"}
        for path in files.values():
            path.write_text(os.urandom(32).hex())
            path.chmod(0o600)
        os.environ |= {name: str(path) for name, path in files.items()} | {"ORION_ENV": "test", "ORION_RATE_LIMITS_ENABLED": "false"}
        yield


@contextlib.contextmanager
def web(server: EmbeddedPostgres, *, workers: int = 2) -> Iterator[int]:
    """Run the web processes against `server` and yield their port; stop them by their own process group."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "ORION_DATABASE_URL": server.url_app,
        "ORION_PLATFORM_DATABASE_URL": server.url_platform,
        "ORION_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "app.cli", "web", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        _wait_until_ready(port, process)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit("the web process ended before it was ready")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web process did not become ready within 30 s")


def run_http(port: int, tenant: Tenant, *, cards: int, seconds: int, seed: int, connections: int = CLIENTS) -> load.Result:
    """Return what the same stamp through HTTP reaches."""
    number = load.draw(cards, seed)

    def make(count: int) -> bytes:
        body = json.dumps({"card_id": card_id(number()), "stamps": 1}).encode()
        key = f"bench-{seed}-{count:012d}"
        return load.post("/api/v1/store/loyalty/stamp", cookie=f"orion_terminal={tenant.token}", body=body, key=key)

    return load.run(port, make, connections=connections, seconds=seconds)


def check_lookups(server: EmbeddedPostgres, tenant: Tenant, *, cards: int) -> None:
    """Stop with a sentence when a terminal's look-up reads a whole table at this size."""

    async def find() -> list[object]:
        settings = Settings(database_url=SecretStr(server.url_app), platform_database_url=SecretStr(server.url_platform), env="test")
        conn = await asyncpg.connect(server.url(SUPERUSER, bootstrap_roles.DATABASE))
        await plans.fill_neighbours(conn, NEIGHBOURS)
        await conn.close()
        database = Database.from_settings(settings)
        found = await plans.find_sequential_scans(database, tenant, cards=cards)
        await database.dispose()
        return list(found)

    if found := asyncio.run(find()):
        raise SystemExit(f"A terminal's look-up reads a whole table: {found}")


def measure(cards: int, *, seconds: int, rounds: int) -> dict[str, float]:
    """Return the medians of one database size."""
    bare: list[float] = []
    http: list[load.Result] = []
    with ephemeral_postgres(durable=True, settings=POSTGRES) as server:
        migrate.upgrade(server.url_owner)
        started = time.monotonic()
        tenant = create(server.url(SUPERUSER, bootstrap_roles.DATABASE), cards=cards)
        check_lookups(server, tenant, cards=cards)
        print(f"{cards:,} cards, {cards * 5:,} transactions built in {time.monotonic() - started:.0f} s", flush=True)
        with web(server) as port:
            run_http(port, tenant, cards=cards, seconds=3, seed=999)
            for number in range(rounds):
                bare.append(run_pgbench(server, tenant, cards=cards, seconds=seconds))
                http.append(run_http(port, tenant, cards=cards, seconds=seconds, seed=number + 1))
                result = http[-1]
                print(
                    f"  round {number + 1}: pgbench {bare[-1]:.0f}/s, HTTP {result.per_second:.0f}/s,"
                    f" ratio {result.per_second / bare[-1]:.2f}, p50 {result.p50 * 1000:.1f} ms, p99 {result.p99 * 1000:.1f} ms,"
                    f" {result.statuses}",
                    flush=True,
                )
    return {
        "pgbench": statistics.median(bare),
        "http": statistics.median(item.per_second for item in http),
        "ratio": statistics.median(item.per_second / limit for item, limit in zip(http, bare, strict=True)),
        "p50": statistics.median(item.p50 for item in http),
        "p99": statistics.median(item.p99 for item in http),
    }


def main() -> None:
    """Measure every size and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", default="10000,1000000")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with platform_settings():
        results = {int(size): measure(int(size), seconds=arguments.seconds, rounds=arguments.rounds) for size in arguments.cards.split(",")}
    for size, figures in results.items():
        print(
            f"{size:>9,} cards: pgbench {figures['pgbench']:.0f}/s | HTTP {figures['http']:.0f}/s | ratio {figures['ratio']:.2f}"
            f" | p50 {figures['p50'] * 1000:.1f} ms | p99 {figures['p99'] * 1000:.1f} ms"
        )
    sizes = sorted(results)
    if len(sizes) > 1:
        print(f"{sizes[-1]:,} : {sizes[0]:,} cards = {results[sizes[-1]]['http'] / results[sizes[0]]['http']:.2f}")


if __name__ == "__main__":
    main()
