"""What each kind of process runs: web, worker, relay and beat. Everything heavy is imported when it is called."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

WORKER_ARGUMENTS = ["--quiet", "worker", "--pool=solo", "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]


def run_web(*, host: str, port: int, workers: int) -> None:
    """Serve `app.main:app` with `workers` processes until SIGTERM or Ctrl-C; one that dies is started anew."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "app.main:app",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=15,
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
    """Run tasks from the broker, one at a time, until SIGTERM; start more of these processes for more throughput."""
    from app.worker import celery_app

    celery_app.worker_main(WORKER_ARGUMENTS)


def run_relay() -> None:
    """Hand due outbox rows to the broker until SIGTERM."""
    from app.core.tasks.relay import run_relay as relay

    run_until_signal(relay)


def run_beat() -> None:
    """Tick until SIGTERM; one such process is enough, a second one does no harm."""
    from app.core.tasks.beat import run_beat as beat

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
    """Import what all processes use, in the parent, so that its forks share that memory."""

    import app.core.tasks.beat
    import app.core.tasks.relay
    import app.main
    import app.worker  # noqa: F401
