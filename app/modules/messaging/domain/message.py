"""A mail as it goes over the wire (RFC 5322), built so that no value can become a header."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr

from app.modules.messaging.domain.template import RenderedMail


class _Policy(EmailPolicy):
    """Lines of at most 78 characters, but for an address in a List- header: the library would take it apart and encode the pieces,
    and no mail reader puts them together again. RFC 5322 allows such a line up to 998 characters."""

    def _fold(self, name: str, value: str, refold_binary: bool = False) -> str:
        if name.lower().startswith("list-"):
            return f"{name}: {value}{self.linesep}"
        folded: str = super()._fold(name, value, refold_binary)  # type: ignore[misc]
        return folded


POLICY = _Policy(linesep=SMTP.linesep, max_line_length=78)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """One mail to one person. `message_id` is derived from the outbox row, so that a repeated sending is recognisable.

    `is_marketing` lets a provider that keeps two reputations choose one.
    """

    message_id: str
    sender: str
    recipient: str
    content: bytes
    is_marketing: bool = False


def message_id_for(outbox_id: uuid.UUID, sender: str) -> str:
    """Return the Message-ID of the mail for `outbox_id`: the same at every try."""
    return f"<{outbox_id}@{sender.rpartition('@')[2]}>"


def sender_address(mail_from: str) -> str:
    """Return the bare address of the setting `mail_from` ("Name <address>" or an address)."""
    return parseaddr(mail_from)[1]


def ascii_address(address: str) -> str:
    """Return `address` with an international domain in its ASCII form (the local part is ASCII already)."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def build_mail(
    rendered: RenderedMail,
    *,
    outbox_id: uuid.UUID,
    mail_from: str,
    display_name: str,
    recipient: str,
    locale: str,
    sent_at: dt.datetime,
    headers: Mapping[str, str] | None = None,
    is_marketing: bool = False,
) -> OutgoingMail:
    """Return the mail from `display_name` at our own address to `recipient`, text first and HTML as the alternative.

    `headers` are further ones, made by us and in ASCII. ValueError when an address cannot stand in a header.
    """
    sender = sender_address(mail_from)
    message = EmailMessage(policy=POLICY)
    try:
        message["From"] = Address(" ".join(display_name.split()), addr_spec=sender)
        message["To"] = Address(addr_spec=ascii_address(recipient))
    except HeaderParseError as error:
        raise ValueError("not an address") from error
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = message_id_for(outbox_id, sender)
    message["Auto-Submitted"] = "auto-generated"
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = locale  # after the bodies: adding the second moves every Content-* header into the first
    return OutgoingMail(
        message_id=message["Message-ID"],
        sender=sender,
        recipient=ascii_address(recipient),
        content=message.as_bytes(),
        is_marketing=is_marketing,
    )
