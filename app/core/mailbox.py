"""The demo's mailbox as files: what the SMTP server of app/ops keeps there is what the mailbox page shows.

One message is one `.eml` file named by the instant it came in and a random part. The newest 1,000 are kept.
"""

import datetime as dt
import email
import email.policy
import email.utils
import re
import secrets
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from app.core import clock
from app.core.config import get_settings

KEPT_MAILS = 1_000
MAX_MAIL_BYTES = 5_000_000
ID_PATTERN = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}")
ID_TIME_FORMAT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class MailSummary:
    """One line of the mailbox: `id` names it in `read_mail`, `received_at` is in UTC."""

    id: str
    received_at: dt.datetime
    sender: str
    recipients: str
    subject: str


@dataclass(frozen=True, slots=True)
class Mail(MailSummary):
    """A whole message; `text` and `html` are empty where the message has no such part."""

    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[str, ...]


def list_mails(limit: int, *, directory: Path | None = None) -> list[MailSummary]:
    """Return the newest `limit` messages, newest first; none when the mailbox was never used."""
    folder = directory or get_settings().mailbox_dir
    files = sorted((file for file in folder.glob("*.eml") if ID_PATTERN.fullmatch(file.stem)), reverse=True)
    mails = (find_mail(file.stem, directory=folder) for file in files[:limit])
    return [mail for mail in mails if mail is not None]


def read_mail(mail_id: str, *, directory: Path | None = None) -> Mail:
    """Return the message `mail_id`; KeyError when there is none."""
    mail = find_mail(mail_id, directory=directory)
    if mail is None:
        raise KeyError(mail_id)
    return mail


def find_mail(mail_id: str, *, directory: Path | None = None) -> Mail | None:
    """Return the message `mail_id`, or None when there is none."""
    if not ID_PATTERN.fullmatch(mail_id):
        return None
    file = (directory or get_settings().mailbox_dir) / f"{mail_id}.eml"
    try:
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    except FileNotFoundError:
        return None
    return Mail(
        id=mail_id,
        received_at=dt.datetime.strptime(mail_id.partition("-")[0], ID_TIME_FORMAT).replace(tzinfo=dt.UTC),
        sender=str(message["From"] or ""),
        recipients=str(message["To"] or message["X-Envelope-To"] or ""),
        subject=str(message["Subject"] or ""),
        text=_read_body(message, "plain"),
        html=_read_body(message, "html"),
        headers=tuple((name, str(value)) for name, value in message.items()),
        attachments=tuple(part.get_filename() or part.get_content_type() for part in message.iter_attachments()),
    )


def _read_body(message: EmailMessage, kind: str) -> str:
    """Return the body of type text/`kind`, empty when there is none."""
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def store_mail(content: bytes, *, sender: str, recipients: list[str], directory: Path) -> str:
    """Write one received message below `directory` and return its id. A reader sees a whole file or none."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mail_id = f"{clock.now().strftime(ID_TIME_FORMAT)}-{secrets.token_hex(4)}"
    envelope = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {', '.join(recipients)}\r\n".encode()
    unfinished = directory / f"{mail_id}.part"
    unfinished.write_bytes(envelope + content)
    unfinished.rename(directory / f"{mail_id}.eml")
    return mail_id


def remove_old_mails(directory: Path, *, keep: int = KEPT_MAILS) -> None:
    """Remove all but the newest `keep` messages."""
    for file in sorted(directory.glob("*.eml"), reverse=True)[keep:]:
        file.unlink(missing_ok=True)
