"""Signs of life of the platform's processes, for the admin's health page."""

import asyncio
import dataclasses
import datetime as dt
import os
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import asyncpg
import structlog

from app.core import clock
from app.core.db.engine import Database, raw_connection

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 15.0
ALIVE = dt.timedelta(seconds=60)
Kind = Literal["web", "relay", "worker", "beat"]
KINDS: Sequence[Kind] = ("web", "relay", "worker", "beat")

_beating: Counter[Kind] = Counter()

BEAT = """
INSERT INTO core_heartbeats (process, kind, beat_at) VALUES ($1, $2, $3) ON CONFLICT (process) DO UPDATE SET beat_at = excluded.beat_at
"""
LIST = "SELECT process, kind, beat_at FROM core_heartbeats ORDER BY kind, process"


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """One process: its name (kind, host and number), what it does, and when it last gave a sign."""

    name: str
    kind: str
    beat_at: dt.datetime
    is_alive: bool


def process_name(kind: Kind) -> str:
    """Return the name of this very process."""
    return f"{kind}:{socket.gethostname()}:{os.getpid()}"


async def beat_once(conn: asyncpg.Connection, kind: Kind, now: dt.datetime) -> None:
    """Note that this process lives."""
    await conn.execute(BEAT, process_name(kind), kind, now)


async def keep_beating(database: Database, kind: Kind) -> None:
    """Give a sign every 15 s until cancelled, then sign off; a database that is down only delays the next sign.

    A process may hold several applications (tests do): the last one to end signs off.
    """
    _beating[kind] += 1
    try:
        while True:
            try:
                async with raw_connection(database.platform) as conn:
                    await beat_once(conn, kind, clock.now())
            except Exception as error:  # the sign is for people, nothing depends on it
                log.warning("heartbeat_failed", process=kind, error=type(error).__name__)
            await asyncio.sleep(INTERVAL_SECONDS)
    finally:
        _beating[kind] -= 1
        if not _beating[kind]:
            await sign_off(database, kind)


async def sign_off(database: Database, kind: Kind) -> None:
    """Remove this process from the list: it ends as it should."""
    try:
        async with asyncio.timeout(2), raw_connection(database.platform) as conn:
            await conn.execute("DELETE FROM core_heartbeats WHERE process = $1", process_name(kind))
    except Exception as error:  # the list forgets it by itself, later
        log.warning("heartbeat_failed", process=kind, error=type(error).__name__)


async def list_processes(conn: asyncpg.Connection, now: dt.datetime) -> Sequence[Process]:
    """Return all processes that gave a sign and did not sign off; those silent for a minute are not alive."""
    return [Process(row["process"], row["kind"], row["beat_at"], now - row["beat_at"] < ALIVE) for row in await conn.fetch(LIST)]
