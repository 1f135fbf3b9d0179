"""The demo's mailbox: what SMTP brings is what the reader sees."""

import asyncio
import smtplib
import socket
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.core import mailbox
from app.ops.mailbox import serve_mailbox


def make_message(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Bäckerei <shop@example.lu>", "Zoë <zoe@example.lu>", subject
    message.set_content("Moien Zoë\n")
    message.add_alternative("<p>Moien <b>Zoë</b></p>\n", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="card.pdf")
    return message


async def test_a_mail_sent_is_a_mail_read(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(serve_mailbox(listener, tmp_path))

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", listener.getsockname()[1], timeout=5) as client:
            for number in range(3):
                client.send_message(make_message(f"Är Treiekaart n°{number}"), to_addrs=["zoe@example.lu"])

    try:
        await asyncio.to_thread(send)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert [mail.subject for mail in mailbox.list_mails(2, directory=tmp_path)] == ["Är Treiekaart n°2", "Är Treiekaart n°1"]
    newest = mailbox.list_mails(1, directory=tmp_path)[0]
    mail = mailbox.read_mail(newest.id, directory=tmp_path)
    assert (mail.sender, mail.recipients) == ("Bäckerei <shop@example.lu>", "Zoë <zoe@example.lu>")
    assert (mail.text, mail.html, mail.attachments) == ("Moien Zoë\n", "<p>Moien <b>Zoë</b></p>\n", ("card.pdf",))
    assert mail.received_at.tzinfo is not None
    assert ("X-Envelope-To", "zoe@example.lu") in mail.headers


def test_an_unused_mailbox_is_empty(tmp_path: Path) -> None:
    assert mailbox.list_mails(10, directory=tmp_path / "none") == []


@pytest.mark.parametrize("mail_id", ["../../etc/passwd", "20260101T000000000000Z-00000000", "", "x\0y"])
def test_only_mails_can_be_read(tmp_path: Path, mail_id: str) -> None:
    with pytest.raises(KeyError):
        mailbox.read_mail(mail_id, directory=tmp_path)


def test_old_mails_make_room(tmp_path: Path) -> None:
    ids = [mailbox.store_mail(b"Subject: hello\r\n\r\nbody", sender="a@b.lu", recipients=["c@d.lu"], directory=tmp_path) for _ in range(5)]
    mailbox.remove_old_mails(tmp_path, keep=2)
    assert [mail.id for mail in mailbox.list_mails(10, directory=tmp_path)] == sorted(ids, reverse=True)[:2]
