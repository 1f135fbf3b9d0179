"""A worker as in production, but with tasks that leave traces: run as `python -m tests.faults.worker`."""

import asyncio
import uuid

from app.core import audit
from app.core.context import Ctx
from app.core.tasks import task
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


def main() -> None:
    """Serve until SIGTERM."""
    task.use_handlers({"fault.note": note, "fault.kill_worker": kill_worker})
    run_worker()


if __name__ == "__main__":
    main()
