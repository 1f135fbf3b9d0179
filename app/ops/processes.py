"""What each kind of process runs: web, worker, relay and beat. Everything heavy is imported when it is called."""

import asyncio
import importlib
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from app.core.config import get_settings
from app.ops import metrics

SHARED_MODULES = (
    "app.main",
    "app.worker",
    "app.core.tasks.beat",
    "app.core.tasks.relay",
    "celery.apps.worker",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "granian.server.embed",
    "kombu.transport.redis",
    "uvloop",
)


RESPAWN_SECONDS = 8.0
"""On SIGHUP a new web process gets this long to start, before the one that it replaces ends; a busy machine needs seconds."""


def run_web(*, host: str, port: int, workers: int, target: str = "app.main:app") -> None:
    """Serve `target` with `workers` processes until SIGTERM or Ctrl-C; one that dies is started anew."""
    settings = get_settings()
    if settings.metrics_port is not None:
        metrics.share_between_processes()
        metrics.serve(settings)
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        target,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=15,
        respawn_interval=RESPAWN_SECONDS,
    ).serve()


def run_web_here(*, host: str, port: int) -> None:
    """Serve `app.main:app` in this very process, which may be a fork that shares its parent's memory."""
    import uvloop
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from app.main import app

    async def serve() -> None:
        server = Server(app, address=host, port=port, interface=Interfaces.ASGI, websockets=False, log_access=False)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        await server.serve()

    uvloop.run(serve())


def run_worker() -> None:
    """Run tasks from the broker until SIGTERM, a few side by side; start more of these processes for more throughput.

    Celery's own command line would bring a shell and its libraries into every worker, so the worker is made here.
    """
    from app.core.tasks.task import THREADS
    from app.worker import celery_app

    metrics.serve(get_settings())
    worker: Any = celery_app.Worker(
        pool_cls="threads",
        concurrency=THREADS,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    sys.exit(worker.exitcode)


def run_relay() -> None:
    """Hand due outbox rows to the broker until SIGTERM."""
    from app.core.tasks.relay import run_relay as relay

    metrics.serve(get_settings())
    run_until_signal(relay)


def run_beat() -> None:
    """Tick until SIGTERM; one such process is enough, a second one does no harm."""
    from app.core.tasks.beat import run_beat as beat

    metrics.serve(get_settings())
    run_until_signal(beat)


def run_until_signal(start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the coroutine that `start` makes; SIGTERM and Ctrl-C cancel it, and it may clean up before the process ends."""

    async def run() -> None:
        task = asyncio.ensure_future(start())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            return

    asyncio.run(run())


def preload() -> None:
    """Import what the processes use, in the parent, so that its forks share that memory."""
    for name in SHARED_MODULES:
        importlib.import_module(name)
