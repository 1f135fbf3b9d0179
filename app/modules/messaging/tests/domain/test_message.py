"""A mail on the wire: headers that say what it is, both bodies, and no way in for a header."""

import datetime as dt
import email
import email.policy
import itertools
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest

from app.core.ids import new_id
from app.modules.messaging.domain.message import OutgoingMail, ascii_address, build_mail
from app.modules.messaging.domain.template import RenderedMail

NOW = dt.datetime(2026, 3, 29, 10, 30, tzinfo=dt.UTC)
RENDERED = RenderedMail(subject="Är Kaart ass prett – Käppchen", html="<p>Moien</p>", text="Moien, " + "läng " * 60)


def parse(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_headers_and_bodies() -> None:
    outbox_id = new_id()
    mail = build_mail(
        RENDERED,
        outbox_id=outbox_id,
        mail_from="Orion Loyalty <loyalty@orion.example>",
        display_name="Bäckerei Käppchen, Fils",
        recipient="lea@münchen.example",
        locale="lb",
        sent_at=NOW,
    )
    message = parse(mail.content)
    assert message["Message-ID"] == mail.message_id == f"<{outbox_id}@orion.example>"
    assert (mail.sender, mail.recipient) == ("loyalty@orion.example", "lea@xn--mnchen-3ya.example")
    assert message["From"].addresses[0].display_name == "Bäckerei Käppchen, Fils"
    assert message["From"].addresses[0].addr_spec == "loyalty@orion.example"
    assert (message["Subject"], message["Content-Language"], message["Auto-Submitted"]) == (RENDERED.subject, "lb", "auto-generated")
    assert message["Date"].datetime == NOW
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content().strip(), html.get_content().strip()) == (RENDERED.text.strip(), RENDERED.html)
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 998
    assert b"\n" not in mail.content.replace(b"\r\n", b"")


@pytest.mark.parametrize("recipient", ["a@b.lu\r\nBcc: x@y.lu", "a@b.lu, x@y.lu", "<a@b.lu", "a b@c.lu"])
def test_an_address_cannot_become_a_header_or_a_second_address(recipient: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        build_mail(
            RENDERED, outbox_id=new_id(), mail_from="loyalty@orion.example", display_name="X", recipient=recipient, locale="en", sent_at=NOW
        )


def test_a_display_name_cannot_become_a_header() -> None:
    mail = build_mail(
        RENDERED,
        outbox_id=new_id(),
        mail_from="loyalty@orion.example",
        display_name="Eve\r\nBcc: all@example.lu",
        recipient="a@b.lu",
        locale="en",
        sent_at=NOW,
    )
    assert parse(mail.content)["Bcc"] is None
    assert parse(mail.content)["From"].addresses[0].display_name == "Eve Bcc: all@example.lu"


def test_an_address_to_unsubscribe_stays_in_one_piece() -> None:
    """RFC 8058: mail readers take the header as it stands; folded into encoded words it would be none."""
    link = "https://orion.example/mail/unsubscribe/" + "Ab-_" * 19
    headers = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    mail = build_mail(
        RENDERED,
        outbox_id=new_id(),
        mail_from="loyalty@orion.example",
        display_name="X",
        recipient="a@b.lu",
        locale="en",
        sent_at=NOW,
        headers=headers,
        is_marketing=True,
    )
    lines = mail.content.split(b"\r\n")
    assert f"List-Unsubscribe: <{link}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert mail.is_marketing
    assert max(len(line) for line in lines if not line.startswith(b"List-")) <= 78


SUBJECTS = [
    "Your card at Bakery",
    "Deng Kaart – 9 vun 10 Stempelen",
    "=?utf-8?q?not=20encoded?= by us",
    "a very long subject in plain letters " * 5,
    "wërklech laang " * 12,
    "  blanks around  ",
    "a\ttab",
    "日本語" * 30,
    "",
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    rendered = RenderedMail(subject=subject, html="<p>x</p>", text="x")
    content = build(rendered).content
    assert parse(content)["Subject"] == subject
    assert max(len(line) for line in content.split(b"\r\n\r\n")[0].split(b"\r\n")) <= 78


WORDS = ["Bäckerei", "Käppchen", "&", "Fils", "Épicerie", "Gënnerei", "d’Ëmweltbutték", "Gare", "–", "1.250", "Punkten,", "Chez", "Léa"]


def test_no_space_gets_lost_or_added_where_names_and_subjects_are_folded() -> None:
    """`–Bäckerei` was seen when the library folded subjects. Names are read by RFC 2047: the library's reader adds spaces itself."""
    for first, step, length in itertools.product(range(len(WORDS)), (1, 2, 5), range(1, 10)):
        subject = " ".join(WORDS[(first + step * place) % len(WORDS)] for place in range(length))
        rendered = RenderedMail(subject=subject, html="<p>x</p>", text="x")
        content = build(rendered, display_name=subject).content
        assert parse(content)["Subject"] == subject
        written = next(value for header, value in email.message_from_bytes(content).items() if header == "From")
        read = str(make_header(decode_header(written))).rpartition(" <")[0]
        assert read.strip('"') == subject


@pytest.mark.parametrize("subject", ["x\r\nBcc: all@example.lu", "x\nBcc: all@example.lu", "x\rBcc: all@example.lu"])
def test_a_subject_cannot_become_a_header(subject: str) -> None:
    with pytest.raises(ValueError, match=r"linefeed|carriage"):
        build(RenderedMail(subject=subject, html="<p>x</p>", text="x"))


@pytest.mark.parametrize(
    "recipient", ["lea@example.lu", "lea.weber+card@mail.example.lu", "o'neil@example.lu", '"a b"@example.lu', "lea@münchen.example"]
)
def test_unusual_addresses_are_written_as_the_library_would(recipient: str) -> None:
    message = parse(build(RENDERED, recipient=recipient).content)
    assert [address.addr_spec for address in message["To"].addresses] == [ascii_address(recipient)]


@pytest.mark.parametrize(
    "text", ["one\ntwo\r\nthree\rfour", "blank at the end \n.\n..\nFrom here\n", "=", "é" * 500, "--=_boundary\n", "\t\n\n"]
)
def test_bodies_survive_the_wire(text: str) -> None:
    """Line ends become the wire's; nothing else changes, and no line is longer than quoted-printable allows."""
    content = build(RenderedMail(subject="x", html=f"<pre>{text}</pre>", text=text)).content
    body = parse(content).get_body(("plain",))
    assert body is not None
    assert body.get_content() == text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    assert max(len(line) for line in content.split(b"\r\n")) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")


def build(rendered: RenderedMail, *, recipient: str = "a@b.lu", display_name: str = "X") -> OutgoingMail:
    return build_mail(
        rendered,
        outbox_id=new_id(),
        mail_from="loyalty@orion.example",
        display_name=display_name,
        recipient=recipient,
        locale="en",
        sent_at=NOW,
    )
