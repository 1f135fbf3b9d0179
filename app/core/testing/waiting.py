"""Waiting for what happens elsewhere: in another process, or in the database."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(ask: Callable[[], Awaitable[object]], *, seconds: float, every: float = 0.02) -> None:
    """Ask every `every` seconds until the answer is true; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            if await ask():
                return
            await asyncio.sleep(every)  # allow[sleep]: what is waited for needs time
