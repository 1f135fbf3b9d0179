"""The SMTP provider against a real server: what is final, what is for now, and connections that are kept."""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core import clock
from app.core.config import ConfigurationError
from app.core.ids import new_id
from app.modules.messaging.domain.message import OutgoingMail, build_mail
from app.modules.messaging.domain.template import RenderedMail
from app.modules.messaging.errors import PermanentFailure, TemporaryFailure
from app.modules.messaging.services.smtp_provider import SmtpProvider
from app.modules.messaging.tests.smtp_server import MailServer, mail_server


def make_mail(recipient: str = "lea@example.lu") -> OutgoingMail:
    return build_mail(
        RenderedMail(subject="Moien", html="<p>Moien</p>", text="Moien\n.\nend"),
        outbox_id=new_id(),
        mail_from="loyalty@orion.example",
        display_name="Bäckerei",
        recipient=recipient,
        locale="lb",
        sent_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    )


async def test_a_mail_arrives_as_it_was_built() -> None:
    async with mail_server() as server:
        provider = SmtpProvider(server.url)
        mail = make_mail()
        assert await provider.send(mail) == "2.0.0 Ok: queued as 4F2A"
        await provider.close()
    assert server.recipients == ["lea@example.lu"]
    body = server.messages[0].get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == ["Moien", ".", "end"]
    assert server.messages[0]["Message-ID"] == mail.message_id


async def test_connections_are_kept_and_replaced_when_they_break() -> None:
    async with mail_server() as server:
        provider = SmtpProvider(server.url)
        for _ in range(5):
            await provider.send(make_mail())
        assert server.connections == 1
        server.drop_connections()
        await provider.send(make_mail())
        assert (server.connections, len(server.messages)) == (2, 6)
        await asyncio.gather(*(provider.send(make_mail()) for _ in range(12)))
        assert len(server.messages) == 18
        await provider.close()


def refuse_recipient(server: MailServer, answer: str) -> None:
    server.recipient_answers.append(answer)


def refuse_content(server: MailServer, answer: str) -> None:
    server.content_answers.append(answer)


def refuse_sender(server: MailServer, answer: str) -> None:
    server.sender_answers.append(answer)


@pytest.mark.parametrize(
    ("refuse", "answer", "kind", "reason", "bounce"),
    [
        (refuse_recipient, "550 5.1.1 <lea@example.lu>: unknown", PermanentFailure, "smtp_550_5.1.1", "hard_bounce"),
        (refuse_recipient, "550 No such user here", PermanentFailure, "smtp_550", "hard_bounce"),
        (refuse_recipient, "550 5.2.1 Mailbox disabled", PermanentFailure, "smtp_550_5.2.1", "hard_bounce"),
        (refuse_recipient, "552 5.2.2 Mailbox full", PermanentFailure, "smtp_552_5.2.2", "soft_bounce"),
        (refuse_recipient, "552 Mailbox full", PermanentFailure, "smtp_552", "soft_bounce"),
        (refuse_recipient, "550 5.7.1 Your network is blocked", PermanentFailure, "smtp_550_5.7.1", None),
        (refuse_recipient, "554 Go away", PermanentFailure, "smtp_554", None),
        (refuse_recipient, "450 4.2.0 Greylisted", TemporaryFailure, "smtp_450_4.2.0", None),
        (refuse_content, "554 5.7.1 Spam", PermanentFailure, "smtp_554_5.7.1", None),
        (refuse_content, "550 No, thank you", PermanentFailure, "smtp_550", None),
        (refuse_content, "452 Disk full", TemporaryFailure, "smtp_452", None),
        (refuse_sender, "553 5.7.1 Not your address", TemporaryFailure, "smtp_553_5.7.1", None),
    ],
)
async def test_answers_are_final_or_for_now(
    refuse: Callable[[MailServer, str], None], answer: str, kind: type[Exception], reason: str, bounce: str | None
) -> None:
    async with mail_server() as server:
        provider = SmtpProvider(server.url)
        refuse(server, answer)
        with pytest.raises(kind) as caught:
            await provider.send(make_mail())
        assert (getattr(caught.value, "reason", None), getattr(caught.value, "bounce", None)) == (reason, bounce)
        assert server.messages == []
        await provider.send(make_mail())
        assert len(server.messages) == 1
        await provider.close()


async def test_nobody_listening_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TemporaryFailure) as caught:
        await SmtpProvider(f"smtp://127.0.0.1:{port}").send(make_mail())
    assert caught.value.reason == "smtp_connection"


async def test_a_server_that_says_nothing_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TemporaryFailure) as caught:
        await SmtpProvider(f"smtp://127.0.0.1:{silent.getsockname()[1]}", step_seconds=0.2).send(make_mail())
    assert caught.value.reason == "smtp_timeout"


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
async def test_signing_in() -> None:
    def check(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
        is_known = (getattr(data, "login", b""), getattr(data, "password", b"")) == (b"us/er", b"p@ss")
        return AuthResult(success=is_known, handled=False)

    async with mail_server(authenticator=check, auth_require_tls=False, auth_required=True) as server:
        good = SmtpProvider(f"smtp://us%2Fer:p%40ss@127.0.0.1:{server.port}")
        await good.send(make_mail())
        await good.close()
        with pytest.raises(TemporaryFailure) as caught:
            await SmtpProvider(f"smtp://us%2Fer:wrong@127.0.0.1:{server.port}").send(make_mail())
    assert caught.value.reason == "smtp_535"
    assert len(server.messages) == 1


async def test_encryption_that_cannot_be_had_is_not_done_without() -> None:
    async with mail_server() as server:
        with pytest.raises(TemporaryFailure) as caught:
            await SmtpProvider(f"{server.url}?tls=required").send(make_mail())
        assert caught.value.reason == "smtp_no_tls"
        with pytest.raises(TemporaryFailure) as caught:
            await SmtpProvider(f"smtps://127.0.0.1:{server.port}", step_seconds=0.5).send(make_mail())
        assert caught.value.reason in ("smtp_tls", "smtp_timeout", "smtp_connection")
    assert server.messages == []


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that vouches for itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = clock.now()
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path, key_path = tmp_path / "cert.pem", tmp_path / "key.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, key_path)
    return path, context


async def test_encryption_is_used_where_offered_and_checked(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate
    async with mail_server(tls_context=context, require_starttls=True) as server:
        with pytest.raises(TemporaryFailure) as caught:
            await SmtpProvider(f"smtp://localhost:{server.port}").send(make_mail())
        assert caught.value.reason == "smtp_tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        provider = SmtpProvider(f"smtp://localhost:{server.port}")
        await provider.send(make_mail())
        await provider.close()
        assert len(server.messages) == 1
        with pytest.raises(TemporaryFailure) as caught:
            await SmtpProvider(f"smtp://localhost:{server.port}?tls=off").send(make_mail())
        assert caught.value.reason == "smtp_530"


async def test_encryption_from_the_start(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with mail_server(from_the_start=context) as server:
        provider = SmtpProvider(f"smtps://localhost:{server.port}")
        await provider.send(make_mail())
        await provider.send(make_mail())
        await provider.close()
    assert (len(server.messages), server.connections) == (2, 1)


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25", ""])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ORION_SMTP_URL"):
        SmtpProvider(url)
