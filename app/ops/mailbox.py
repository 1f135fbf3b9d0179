"""The demo's mailbox: an SMTP server on the loopback that keeps what it gets (the files: app/core/mailbox.py)."""

import asyncio
import socket
from pathlib import Path
from typing import Any

from app.core.mailbox import MAX_MAIL_BYTES, remove_old_mails, store_mail


class MailboxHandler:
    """What the SMTP server does with a message: store it and say so."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Store one message and acknowledge it once it is on disk."""
        mail_id = await asyncio.to_thread(
            store_mail, envelope.content, sender=str(envelope.mail_from), recipients=list(envelope.rcpt_tos), directory=self.directory
        )
        await asyncio.to_thread(remove_old_mails, self.directory)
        return f"250 Message kept as {mail_id}"


async def serve_mailbox(listener: socket.socket, directory: Path) -> None:
    """Answer SMTP on `listener` and keep messages below `directory`, until cancelled."""
    from aiosmtpd.smtp import SMTP

    handler = MailboxHandler(directory)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="mailbox.localhost", data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True, loop=loop),
        sock=listener,
    )
    async with server:
        await server.serve_forever()
