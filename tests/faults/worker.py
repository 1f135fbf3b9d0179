"""A worker as in production, but with tasks that leave traces: run as `python -m tests.faults.worker`."""

import asyncio
import contextlib
import threading
import uuid
from collections.abc import Mapping

from app.core import audit
from app.core.context import Ctx
from app.core.tasks import runner, task
from app.ops.processes import run_worker


async def note(ctx: Ctx, *, message_id: uuid.UUID, milliseconds: int = 0) -> None:
    """Leave one trace of this message, after a while."""
    await audit.record(ctx, "fault.note", "message", message_id)
    await ctx.conn.execute("SELECT pg_sleep($1)", milliseconds / 1000)


async def kill_worker(ctx: Ctx, *, message_id: uuid.UUID) -> None:
    """End this very process without any warning, as the kernel does when memory runs out."""
    import os
    import signal

    await audit.record(ctx, "fault.note", "message", message_id)
    os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.Event().wait()


async def block(ctx: Ctx) -> None:
    """Hold up the whole loop, as a library that never returns does."""
    threading.Event().wait()


async def cling(ctx: Ctx) -> None:
    """Wait, whatever the limit says."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


HANDLERS: Mapping[str, runner.Handler] = {"fault.note": note, "fault.kill_worker": kill_worker, "fault.block": block, "fault.cling": cling}


def main() -> None:
    """Serve until SIGTERM."""
    task.use_handlers(HANDLERS)
    run_worker()


def hurried() -> None:
    """Serve with limits of seconds instead of minutes."""
    vars(runner).update(SOFT_SECONDS=1.0)
    vars(task).update(HARD_SECONDS=3, WATCH_SECONDS=0.2)
    main()


if __name__ == "__main__":
    main()
