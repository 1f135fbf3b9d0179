"""The worker's side of Celery: one task, and the one place that runs coroutines in a worker process.

Loop and pools are made in the process that works, at its first message, and live as long as it does. Celery's threads bring
hints; the messages themselves run side by side on the one loop.
"""

import asyncio
import faulthandler
import os
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
import uvloop
from celery.signals import worker_process_shutdown, worker_ready, worker_shutdown

from app.core.config import Settings, get_settings
from app.core.db import heartbeats
from app.core.db.engine import Database
from app.core.modules import load_modules
from app.core.observability import configure_logging, where_of
from app.core.tasks.celery_app import HARD_SECONDS, TASK_NAME, celery_app
from app.core.tasks.registry import handlers_of
from app.core.tasks.runner import BATCH_SLOTS, SOFT_SECONDS, Handler, Runner

log = structlog.get_logger(__name__)

STATEMENT_TIMEOUT_MS = 60_000
IDLE_IN_TRANSACTION_MS = 110_000
"""Longer than a task may take: a handler may wait for a mail server inside its unit of work."""
THREADS = 2 + BATCH_SLOTS
"""Hints at a time: turns of batch tasks can keep as many as they have slots, the others pass two by two."""
WATCH_SECONDS = 5.0
CLOSE_SECONDS = 5.0


def worker_settings(settings: Settings) -> Settings:
    """Return `settings` with the longer limits of background work, and a connection for each message at a time."""
    return settings.model_copy(
        update={
            "statement_timeout_ms": STATEMENT_TIMEOUT_MS,
            "idle_in_transaction_timeout_ms": IDLE_IN_TRANSACTION_MS,
            "pool_size": settings.worker_concurrency + BATCH_SLOTS,
            "pool_timeout_seconds": SOFT_SECONDS,
        }
    )


class WorkerProcess:
    """Loop, pools and handlers of one process. The loop has a thread of its own; Celery's threads wait for what it does."""

    def __init__(self, handlers: Mapping[str, Handler] | None = None) -> None:
        configure_logging()
        self.pid = os.getpid()
        settings = get_settings()
        database = Database.from_settings(worker_settings(settings), application="orion-worker")
        chosen = handlers_of(load_modules()) if handlers is None else handlers
        self.runner = Runner(database, chosen, concurrency=settings.worker_concurrency)
        self.loop = uvloop.new_event_loop()
        self.loop.set_default_executor(ThreadPoolExecutor(settings.worker_concurrency + BATCH_SLOTS, thread_name_prefix="blocking"))
        self._thread = threading.Thread(target=self._serve, name="messages", daemon=True)
        self._thread.start()

    def run(self, ids: Sequence[uuid.UUID]) -> None:
        """Run messages; returns when all of them have an outcome."""
        asyncio.run_coroutine_threadsafe(self.runner.run_all(ids), self.loop).result()

    def close(self) -> None:
        """Close the pools and the loop; what still ran is given up, and its leases run out."""
        asyncio.run_coroutine_threadsafe(self.runner.database.dispose(), self.loop).result(CLOSE_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSE_SECONDS)

    def _serve(self) -> None:
        watching = self.loop.create_task(self._watch())
        self.loop.run_forever()
        watching.cancel()
        faulthandler.cancel_dump_traceback_later()

    async def _watch(self) -> None:
        """End this process, whatever holds it, when a message is stuck beyond the hard limit: on an await, or with the loop."""
        output = sys.__stderr__ or sys.stderr
        while True:
            faulthandler.dump_traceback_later(HARD_SECONDS, exit=True, file=output)
            if any(time.monotonic() - began > HARD_SECONDS for began in self.runner.running.values()):
                faulthandler.dump_traceback(file=output)
                os._exit(1)
            await asyncio.sleep(WATCH_SECONDS)


_here: WorkerProcess | None = None
_making = threading.Lock()


def use_handlers(handlers: Mapping[str, Handler]) -> None:
    """Let this process run `handlers` instead of the modules' tasks: for workers of fault tests."""
    global _here  # noqa: PLW0603 - one per process is the point
    _here = WorkerProcess(handlers)


def worker_process() -> WorkerProcess:
    """Return this process's WorkerProcess: never one inherited from a parent, whose connections are not ours."""
    global _here  # noqa: PLW0603 - one per process is the point
    with _making:
        if _here is None or _here.pid != os.getpid():
            _here = WorkerProcess()
        return _here


@celery_app.task(name=TASK_NAME)
def run_messages(ids: list[str]) -> None:
    """Run the outbox messages `ids`, those that are still to be run."""
    try:
        worker_process().run([uuid.UUID(message_id) for message_id in ids])
    except Exception as error:  # the rows wait for their next hint; Celery's own report would print values
        log.error("messages_not_run", count=len(ids), error=type(error).__name__, where=where_of(error))


@worker_process_shutdown.connect
@worker_shutdown.connect
def close_process(**_: Any) -> None:
    """Close what this process opened."""
    if _here is not None and _here.pid == os.getpid():
        _here.close()


class HeartbeatThread:
    """Gives the worker's signs of life, also while a task has the main thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._beating: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start beating."""
        self._thread.start()

    def stop(self) -> None:
        """Sign off; waits three seconds at most."""
        if self._beating is not None:
            self._loop.call_soon_threadsafe(self._beating.cancel)
        self._thread.join(3)

    def _run(self) -> None:
        database = Database.from_settings(get_settings().model_copy(update={"pool_size": 1}), application="orion-heartbeat")

        async def beat() -> None:
            try:
                await heartbeats.keep_beating(database, "worker")
            except asyncio.CancelledError:
                await database.dispose()

        self._beating = self._loop.create_task(beat())
        self._loop.run_until_complete(self._beating)


_heartbeat: HeartbeatThread | None = None


@worker_ready.connect
def start_heartbeat(**_: Any) -> None:
    """Begin giving signs of life once the worker listens."""
    global _heartbeat  # noqa: PLW0603 - one per process
    _heartbeat = HeartbeatThread()
    _heartbeat.start()


@worker_shutdown.connect
def stop_heartbeat(**_: Any) -> None:
    """Sign off."""
    if _heartbeat is not None:
        _heartbeat.stop()
