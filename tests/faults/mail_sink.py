"""A mail server that can refuse, hang up and go away, and that counts what it took."""

import asyncio
import contextlib
import email
import email.policy
import enum
import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from aiosmtpd.smtp import SMTP


class Mood(enum.Enum):
    """How the server meets a mail."""

    TAKES = "takes"
    GONE = "gone"
    GREETS_WITH_421 = "421"
    RECIPIENT_LATER = "451"
    DISK_FULL = "452"


REFUSALS = [mood for mood in Mood if mood is not Mood.TAKES]


class MailSink:
    """A real SMTP server on loopback. `taken` counts mails by Message-ID, `recipients` by address, `refused` answers some for good,
    `seconds` is how long it takes to take one, and again to say so."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.recipients: Counter[str] = Counter()
        self.refused: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.seconds = 0.0
        self.mood = Mood.TAKES
        self.port = 0
        self._server: asyncio.Server | None = None
        self._transports: list[Any] = []

    @property
    def url(self) -> str:
        """The setting that names this server."""
        return f"smtp://127.0.0.1:{self.port}"

    async def change(self, mood: Mood) -> None:
        """Meet mails in another mood from now on; connections end, as when a server restarts."""
        self.mood = mood
        await self.close()
        if mood is not Mood.GONE:
            await self.open()

    async def open(self) -> None:
        """Listen; always at the same port."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = int(listener.getsockname()[1])
        self._server = await asyncio.get_running_loop().create_server(self._make_protocol, sock=listener)

    async def close(self) -> None:
        """Go away."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for transport in self._transports:
            transport.abort()
        self._transports.clear()

    def _make_protocol(self) -> SMTP:
        sink = self

        class Protocol(SMTP):
            def connection_made(self, transport: Any) -> None:
                sink._transports.append(transport)
                if sink.mood is Mood.GREETS_WITH_421:
                    transport.write(b"421 4.3.2 Too busy\r\n")
                    transport.close()
                else:
                    super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                if sink.mood is not Mood.GREETS_WITH_421:
                    super().connection_lost(error)

        return Protocol(self, hostname="mail.test", loop=asyncio.get_running_loop())

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        self.asked[address] += 1
        if self.mood is Mood.RECIPIENT_LATER:
            return "451 4.3.0 Try again later"
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.mood is Mood.DISK_FULL:
            return "452 4.3.1 Disk full"
        await asyncio.sleep(self.seconds)  # allow[sleep]: a server that takes its time
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.taken[message["Message-ID"]] += 1
        self.recipients.update(envelope.rcpt_tos)
        await asyncio.sleep(self.seconds)  # allow[sleep]: who dies now has sent a mail and does not know it
        return "250 2.0.0 Ok: queued"


@contextlib.asynccontextmanager
async def running_sink() -> AsyncIterator[MailSink]:
    """Serve until the block ends."""
    sink = MailSink()
    await sink.open()
    try:
        yield sink
    finally:
        await sink.close()
