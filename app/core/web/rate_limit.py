"""Rate limits: sliding windows in the shared store, with an in-process floor of the same numbers when it is down or slow.

A limit is declared on a route as "60/minute". Counters for PINs, sign-in and pairing are elsewhere, in PostgreSQL:
losing the shared store must not weaken those (architecture.md).
"""

import asyncio
import time

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from app.core import clock
from app.core.config import Settings
from app.core.errors import Limited
from app.core.observability import LIMITER_ERRORS, RATE_LIMITED

log = structlog.get_logger(__name__)

STORE_TIMEOUT_SECONDS = 0.05
BACK_OFF_SECONDS = 5.0


def storage_uri(broker_url: str) -> str:
    """Return `broker_url` as the limiter's storage address."""
    for scheme in ("redis+unix://", "redis+socket://", "unix://"):
        if broker_url.startswith(scheme):
            return "async+redis+unix://" + broker_url.removeprefix(scheme).replace("virtual_host=", "db=")
    return "async+" + broker_url


class RateLimiter:
    """Counts hits per name and subject; one object per process."""

    def __init__(self, settings: Settings) -> None:
        self._enabled = settings.rate_limits_enabled
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = self._connect(settings)
        self._shared_again_at = 0.0
        self._items: dict[str, RateLimitItem] = {}

    @staticmethod
    def _connect(settings: Settings) -> SlidingWindowCounterRateLimiter | None:
        if settings.broker_url is None or not settings.broker_url.get_secret_value().startswith(("redis", "unix")):
            return None
        storage = storage_from_string(storage_uri(settings.broker_url.get_secret_value()), implementation="redispy")
        if not isinstance(storage, Storage):
            raise TypeError("the limiter's storage is not asynchronous")
        return SlidingWindowCounterRateLimiter(storage)

    async def hit(self, limit: str, name: str, subject: str) -> None:
        """Count one hit of `subject` on the limit `name`; Limited (with the seconds to wait) when it is over `limit`."""
        if not self._enabled:
            return
        item = self._items.get(limit) or self._items.setdefault(limit, parse(limit))
        limiter = self._local
        if self._shared is not None and time.monotonic() >= self._shared_again_at:
            try:
                async with asyncio.timeout(STORE_TIMEOUT_SECONDS):
                    allowed = await self._shared.hit(item, name, subject)
                limiter = self._shared
            except Exception as error:  # whatever ails the store, the floor answers
                self._shared_again_at = time.monotonic() + BACK_OFF_SECONDS
                LIMITER_ERRORS.inc()
                log.warning("rate_limit_store_down", error=type(error).__name__)
                allowed = await self._local.hit(item, name, subject)
        else:
            allowed = await self._local.hit(item, name, subject)
        if not allowed:
            RATE_LIMITED.labels(name).inc()
            raise Limited(await self._seconds_left(limiter, item, name, subject))

    async def _seconds_left(self, limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, name: str, subject: str) -> int:
        try:
            async with asyncio.timeout(STORE_TIMEOUT_SECONDS):
                stats = await limiter.get_window_stats(item, name, subject)
            return max(1, round(stats.reset_time - clock.now().timestamp()))
        except Exception:
            return item.get_expiry()
