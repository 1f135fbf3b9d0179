"""A lean HTTP/1.1 load generator: keep-alive connections, one request in flight on each, a fixed time. Loopback only."""

import asyncio
import collections
import dataclasses
import itertools
import random
import time
from collections.abc import Callable
from typing import cast

RequestMaker = Callable[[int], bytes]


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What a run did: answers per second, latencies in seconds, and answers by status."""

    per_second: float
    p50: float
    p99: float
    statuses: dict[int, int]


class _Connection(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next."""

    def __init__(self, make: RequestMaker, numbers: "itertools.count[int]", stop_at: float, done: asyncio.Future[None]) -> None:
        self._make, self._numbers, self._stop_at, self._done = make, numbers, stop_at, done
        self._buffer = b""
        self._sent_at = 0.0
        self.latencies: list[float] = []
        self.statuses: collections.Counter[int] = collections.Counter()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        if self._transport is None:
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._make(next(self._numbers)))

    def data_received(self, data: bytes) -> None:
        """Take the answer apart as far as its length, and go on when it is complete."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent_at)
        self.statuses[int(head[9:12])] += 1
        self._buffer = b""
        if now < self._stop_at:
            self._send()
        else:
            self._finish()

    def connection_lost(self, _error: Exception | None) -> None:
        """The server closed: this connection is done."""
        self._finish()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)


async def _run(port: int, make: RequestMaker, connections: int, seconds: float) -> Result:
    loop = asyncio.get_running_loop()
    numbers = itertools.count()
    started = time.perf_counter()
    protocols: list[_Connection] = []
    waiting: list[asyncio.Future[None]] = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        protocol = _Connection(make, numbers, started + seconds, done)
        await loop.create_connection(lambda protocol=protocol: protocol, "127.0.0.1", port)  # type: ignore[misc]
        protocols.append(protocol)
        waiting.append(done)
    await asyncio.wait(waiting, timeout=seconds + 15)
    elapsed = time.perf_counter() - started
    latencies = sorted(latency for protocol in protocols for latency in protocol.latencies)
    statuses: collections.Counter[int] = collections.Counter()
    for protocol in protocols:
        statuses.update(protocol.statuses)
    return Result(len(latencies) / elapsed, _quantile(latencies, 0.5), _quantile(latencies, 0.99), dict(statuses))


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def run(port: int, make: RequestMaker, *, connections: int, seconds: float) -> Result:
    """Send the requests of `make(number)` to 127.0.0.1:`port` for `seconds` over `connections` and return what came back."""
    import uvloop

    return uvloop.run(_run(port, make, connections, seconds))


def post(path: str, *, cookie: str, body: bytes, key: str) -> bytes:
    """Return the bytes of a JSON POST as a terminal sends it."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def draw(cards: int, seed: int) -> Callable[[], int]:
    """Return a source of card numbers from 1 to `cards`, the same for the same `seed`."""
    source = random.Random(seed)
    return lambda: source.randint(1, cards)
