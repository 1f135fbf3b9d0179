"""The relay process: the outbox's relay with Celery as its broker."""

import asyncio
import contextlib

from app.core.config import get_settings
from app.core.db import heartbeats
from app.core.db.engine import Database
from app.core.observability import configure_logging
from app.core.outbox import relay
from app.core.tasks.celery_app import publish


async def run_relay(give: relay.Publish = publish) -> None:
    """Hand due messages to the broker by `give` until cancelled."""
    configure_logging()
    database = Database.from_settings(get_settings().model_copy(update={"pool_size": 1}), application="orion-relay")
    beating = asyncio.create_task(heartbeats.keep_beating(database, "relay"))
    try:
        await relay.run_relay(database, give)
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await database.dispose()
