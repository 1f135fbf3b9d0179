"""An SMTP server in a process of its own that takes every mail and notes when: the other end of the fan-out benchmark.

It is aiosmtpd, as in the tests and in the demo's mailbox, so that both sides of the comparison meet real SMTP.
"""

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

KEPT = 200
"""Mails kept as they came over the wire, to be sent again by the bare loop."""
SEPARATOR = b"\x00"


@dataclasses.dataclass(frozen=True, slots=True)
class Sink:
    """A running server: its port, and the folder where it writes."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Address as `ORION_SMTP_URL` says it."""
        return f"smtp://127.0.0.1:{self.port}?tls=off"

    def arrivals(self) -> list[tuple[float, str]]:
        """Return when (of `time.monotonic`, the same in all processes) and for whom mails arrived, in order."""
        lines = (self.folder / "arrivals").read_text().splitlines()
        return [(float(at), recipient) for at, _, recipient in (line.partition(" ") for line in lines)]

    def count(self) -> int:
        """Return how many mails have arrived."""
        return (self.folder / "arrivals").read_bytes().count(b"\n")

    def mails(self) -> Sequence[bytes]:
        """Return the first mails as they came over the wire."""
        return (self.folder / "mails").read_bytes().split(SEPARATOR)[:-1]


@contextlib.contextmanager
def running_sink(folder: Path) -> Iterator[Sink]:
    """Run a sink that writes to `folder`; stop it by its own process number."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("arrivals", "mails"):
        (folder / name).touch()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = int(listener.getsockname()[1])
        command = [sys.executable, "-m", "benchmarks.sink", str(listener.fileno()), str(folder)]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], cwd=Path(__file__).resolve().parents[1])
    try:
        yield Sink(port, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


class Handler:
    """Notes each mail and takes it."""

    def __init__(self, folder: Path) -> None:
        self.arrivals = os.open(folder / "arrivals", os.O_WRONLY | os.O_APPEND)
        self.mails = (folder / "mails").open("ab", buffering=0)
        self.kept = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Take one mail."""
        os.write(self.arrivals, f"{time.monotonic():.6f} {envelope.rcpt_tos[0]}\n".encode())
        if self.kept < KEPT:
            self.kept += 1
            self.mails.write(bytes(envelope.content) + SEPARATOR)
        return "250 Message accepted"


async def serve(listener: socket.socket, folder: Path) -> None:
    """Answer SMTP on `listener` until SIGTERM."""
    from aiosmtpd.smtp import SMTP

    loop = asyncio.get_running_loop()
    handler = Handler(folder)
    server = await loop.create_server(lambda: SMTP(handler, hostname="sink.localhost", loop=loop), sock=listener)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
