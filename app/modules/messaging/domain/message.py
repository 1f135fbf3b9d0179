"""A mail as it goes over the wire (RFC 5322), built so that no value can become a header.

The library's message objects parse and fold every header of every mail, which took more time than everything else that sending
one takes. So the frame is written here. Names and subjects in other letters than ASCII are encoded here as well: where the library
folds such a text, a space between two words can be lost or come in between the letters of one (seen in Python 3.11).
"""

import base64
import binascii
import dataclasses
import datetime as dt
import functools
import re
import uuid
from collections.abc import Iterator, Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from app.modules.messaging.domain.template import RenderedMail

POLICY = SMTP.clone(max_line_length=78)

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PLAIN_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_WORD_BYTES = 39  # of text in an encoded word: 64 characters with its frame, and the header's name fits before it


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
    sender, to = sender_address(mail_from), ascii_address(recipient)
    message_id = message_id_for(outbox_id, sender)
    boundary = f"=_{outbox_id.hex}"  # no line of a quoted-printable part can hold it: "=" stands before two digits or at the end
    lines = [
        _address_line("From", " ".join(display_name.split()), sender),
        _line("To", to) if _PLAIN_ADDRESS.fullmatch(to) else _address_line("To", "", to),
        _text_line("Subject", rendered.subject),
        _line("Date", format_datetime(sent_at)),
        _line("Message-ID", message_id),
        _line("Auto-Submitted", "auto-generated"),
        *(_line(name, value) for name, value in (headers or {}).items()),
        _line("Content-Language", locale),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode(),
        _part(boundary, "plain", rendered.text),
        _part(boundary, "html", rendered.html),
        f"--{boundary}--\r\n".encode(),
    ]
    return OutgoingMail(message_id=message_id, sender=sender, recipient=to, content=b"".join(lines), is_marketing=is_marketing)


def _line(name: str, value: str) -> bytes:
    """Return a header: as it is when it is short and plain, else encoded and folded. No value can begin another header.

    An address in a List- header stays whole, up to the 998 characters of RFC 5322: the library would take it apart and encode the
    pieces, and no mail reader puts them together again.
    """
    if _is_plain(name, value) or (name.startswith("List-") and _PLAIN_VALUE.fullmatch(value)):
        return f"{name}: {value}\r\n".encode()
    return _encoded_line(name, value)


@functools.lru_cache(maxsize=256)
def _encoded_line(name: str, value: str) -> bytes:
    return POLICY.fold_binary(*POLICY.header_store_parse(name, value))


@functools.lru_cache(maxsize=256)
def _text_line(name: str, value: str) -> bytes:
    """Return a header of free text."""
    return f"{name}: {value if _is_plain(name, value) else _encoded_words(value)}\r\n".encode()


@functools.lru_cache(maxsize=256)
def _address_line(name: str, display_name: str, address: str) -> bytes:
    try:
        value = Address(display_name, addr_spec=address)
    except HeaderParseError as error:
        raise ValueError("not an address") from error
    if display_name and not _is_plain(name, str(value)):
        return f"{name}: {_encoded_words(display_name)}\r\n <{address}>\r\n".encode()
    return POLICY.fold_binary(*POLICY.header_store_parse(name, value))


def _is_plain(name: str, value: str) -> bool:
    """Whether `value` can stand in a header as it is, on one line."""
    return len(name) + len(value) <= 76 and _PLAIN_VALUE.fullmatch(value) is not None and "=?" not in value


def _encoded_words(text: str) -> str:
    """Return `text` as encoded words (RFC 2047), one a line. Readers join them without the line ends: all spaces are inside."""
    if "\r" in text or "\n" in text:
        raise ValueError("a header holds no linefeed and no carriage return")
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(part).decode()}?=" for part in _parts(text))


def _parts(text: str) -> Iterator[bytes]:
    """Yield the text in UTF-8 in pieces that fit into an encoded word and divide no character."""
    part = b""
    for character in text:
        encoded = character.encode()
        if len(part) + len(encoded) > _WORD_BYTES:
            yield part
            part = b""
        part += encoded
    if part:
        yield part


def _part(boundary: str, subtype: str, text: str) -> bytes:
    """Return one alternative in quoted-printable, with its own headers and the boundary before it."""
    head = f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    body = binascii.b2a_qp(_LINE_ENDS.sub("\n", text).encode())
    return head.encode() + body.replace(b"\n", b"\r\n") + b"\r\n"
