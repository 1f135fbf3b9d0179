"""A real SMTP server on the loopback that answers as a test tells it to, and keeps what it took."""

import asyncio
import contextlib
import dataclasses
import email
import email.policy
import socket
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from pydantic import SecretStr

from app.core.config import Settings

OK = "250 2.0.0 Ok: queued as 4F2A"


@dataclasses.dataclass
class MailServer:
    """What the server took, and what it answers next: one answer a command, then success again. `refused` addresses always get theirs."""

    port: int = 0
    messages: list[EmailMessage] = dataclasses.field(default_factory=list)
    recipients: list[str] = dataclasses.field(default_factory=list)
    connections: int = 0
    sender_answers: list[str] = dataclasses.field(default_factory=list)
    recipient_answers: list[str] = dataclasses.field(default_factory=list)
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    content_answers: list[str] = dataclasses.field(default_factory=list)
    takes_but_answers: list[str] = dataclasses.field(default_factory=list)
    open_transports: list[Any] = dataclasses.field(default_factory=list)

    @property
    def url(self) -> str:
        """The setting that names this server."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.sender_answers:
            return self.sender_answers.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.recipient_answers:
            return self.recipient_answers.pop(0)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.content_answers:
            return self.content_answers.pop(0)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.extend(envelope.rcpt_tos)
        return self.takes_but_answers.pop(0) if self.takes_but_answers else OK

    def drop_connections(self) -> None:
        """Cut every open connection, as a server that restarts does."""
        for transport in self.open_transports:
            transport.abort()
        self.open_transports.clear()


@contextlib.asynccontextmanager
async def chosen_mail_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    """A mail server that the settings name while the block runs."""
    async with mail_server() as running:
        monkeypatch.setattr(settings, "smtp_url", SecretStr(running.url))
        monkeypatch.setattr(settings, "mail_from", "Orion <loyalty@orion.example>")
        yield running


@contextlib.asynccontextmanager
async def mail_server(*, from_the_start: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[MailServer]:
    """Serve until the block ends, with TLS `from_the_start` if given; `options` go to aiosmtpd (an authenticator, for one)."""
    handler = MailServer()
    loop = asyncio.get_running_loop()

    class Counted(SMTP):
        def connection_made(self, transport: Any) -> None:
            handler.connections += 1
            handler.open_transports.append(transport)
            super().connection_made(transport)

    listener = socket.create_server(("127.0.0.1", 0))
    handler.port = listener.getsockname()[1]
    server = await loop.create_server(
        lambda: Counted(handler, hostname="mail.test", loop=loop, **options), sock=listener, ssl=from_the_start
    )
    try:
        yield handler
    finally:
        server.close()
        handler.drop_connections()
