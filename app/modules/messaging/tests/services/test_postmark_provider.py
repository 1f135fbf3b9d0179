"""The way out over Postmark's API, against a real server: what is sent, what is final, what is for now."""

import asyncio
import datetime as dt
import socket
from typing import Any

import pytest

from app.core.config import Settings
from app.core.ids import new_id
from app.core.testing.application import write_key
from app.modules.messaging.domain.message import OutgoingMail, build_mail
from app.modules.messaging.domain.template import RenderedMail
from app.modules.messaging.errors import PermanentFailure, TemporaryFailure
from app.modules.messaging.services import providers
from app.modules.messaging.services.postmark_provider import PostmarkProvider
from app.modules.messaging.tests.postmark_server import TOKEN, PostmarkServer, postmark_server

UNSUBSCRIBE = {
    "List-Unsubscribe": "<https://orion.example/mail/unsubscribe/" + "Ab-_" * 19 + ">",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def make_mail(recipient: str = "lea@example.lu", **more: Any) -> OutgoingMail:
    return build_mail(
        RenderedMail(subject="Är Kaart – prett", html="<p>Moien, Zoë</p>", text="Moien, Zoë\n.\nend"),
        outbox_id=new_id(),
        mail_from="loyalty@orion.example",
        display_name="Bäckerei Käppchen, Fils",
        recipient=recipient,
        locale="lb",
        sent_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        **more,
    )


def make_provider(server: PostmarkServer, token: str = TOKEN, **options: Any) -> PostmarkProvider:
    return PostmarkProvider(server.url, token, stream="outbound", marketing_stream="broadcast", **options)


async def test_a_mail_arrives_as_it_was_built() -> None:
    async with postmark_server() as server:
        provider, mail = make_provider(server), make_mail(headers=UNSUBSCRIBE, is_marketing=True)
        message_id = await provider.send(mail)
        await provider.close()
    document = server.mails[message_id]
    headers = {header["Name"]: header["Value"] for header in document.pop("Headers")}
    assert headers == {"Message-ID": mail.message_id, "X-PM-KeepID": "true", "Auto-Submitted": "auto-generated", **UNSUBSCRIBE}
    assert document == {
        "From": '"Bäckerei Käppchen, Fils" <loyalty@orion.example>',
        "To": "lea@example.lu",
        "Subject": "Är Kaart – prett",
        "TextBody": "Moien, Zoë\n.\nend",
        "HtmlBody": "<p>Moien, Zoë</p>",
        "MessageStream": "broadcast",
        "TrackOpens": False,
        "TrackLinks": "None",
    }


async def test_connections_are_kept_and_replaced_when_they_break() -> None:
    async with postmark_server() as server:
        provider = make_provider(server)
        for _ in range(5):
            await provider.send(make_mail())
        assert len(server.connections) == 1
        assert {mail["MessageStream"] for mail in server.mails.values()} == {"outbound"}
        await provider.close()
        await provider.send(make_mail())
        assert (len(server.connections), len(server.mails)) == (2, 6)
        await provider.close()


@pytest.mark.parametrize(
    ("status", "answer", "kind", "reason", "bounce"),
    [
        (422, {"ErrorCode": 406, "Message": "inactive lea@example.lu"}, PermanentFailure, "api_422_406", "hard_bounce"),
        (422, {"ErrorCode": 300, "Message": "Invalid 'To' address"}, PermanentFailure, "api_422_300", None),
        (413, {"ErrorCode": 0, "Message": "too large"}, PermanentFailure, "api_413_0", None),
        (422, {"ErrorCode": 412, "Message": "Account is Pending"}, TemporaryFailure, "api_422_412", None),
        (422, {"ErrorCode": 400, "Message": "Sender Signature not found"}, TemporaryFailure, "api_422_400", None),
        (401, {"ErrorCode": 10, "Message": "Bad or missing API token"}, TemporaryFailure, "api_401_10", None),
        (429, {"ErrorCode": 429, "Message": "Rate Limit Exceeded"}, TemporaryFailure, "api_429_429", None),
        (500, "<html>oops</html>", TemporaryFailure, "api_500", None),
        (503, {"ErrorCode": 100, "Message": "Maintenance"}, TemporaryFailure, "api_503_100", None),
        (200, "not JSON", TemporaryFailure, "api_200", None),
        (200, ["no", "object"], TemporaryFailure, "api_200", None),
        (302, {"ErrorCode": 0}, TemporaryFailure, "api_302_0", None),
    ],
)
async def test_answers_are_final_or_for_now(status: int, answer: Any, kind: type[Exception], reason: str, bounce: str | None) -> None:
    async with postmark_server() as server:
        provider = make_provider(server)
        server.answers.append((status, answer))
        with pytest.raises(kind) as caught:
            await provider.send(make_mail())
        assert (getattr(caught.value, "reason", None), getattr(caught.value, "bounce", None)) == (reason, bounce)
        assert server.mails == {}
        await provider.send(make_mail())
        assert len(server.mails) == 1
        await provider.close()


async def test_a_wrong_token_or_stream_is_our_set_up() -> None:
    async with postmark_server() as server:
        for provider, reason in (
            (make_provider(server, "00000000-0000-0000-0000-000000000000"), "api_401_10"),
            (PostmarkProvider(server.url, TOKEN, stream="nowhere", marketing_stream="broadcast"), "api_422_1235"),
        ):
            with pytest.raises(TemporaryFailure) as caught:
                await provider.send(make_mail())
            assert caught.value.reason == reason
            await provider.close()


async def test_nobody_listening_and_silence_are_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    provider = PostmarkProvider(f"http://127.0.0.1:{port}", TOKEN, stream="outbound", marketing_stream="broadcast")
    with pytest.raises(TemporaryFailure) as caught:
        await provider.send(make_mail())
    assert caught.value.reason == "api_connection"
    async with postmark_server() as server:
        server.silence = asyncio.Event()
        provider = make_provider(server, step_seconds=0.2)
        with pytest.raises(TemporaryFailure) as caught:
            await provider.send(make_mail())
        assert caught.value.reason == "api_timeout"
        await provider.close()


async def test_the_settings_choose(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(settings, "mail_provider", "postmark")
    with pytest.raises(TemporaryFailure) as caught:
        providers.get_provider()
    assert caught.value.reason == "api_not_configured"
    monkeypatch.setattr(settings, "mail_api_token_file", write_key(tmp_path / "token"))
    assert providers.get_provider().name == "postmark"
    monkeypatch.delitem(settings.__dict__, "mail_api_token")
    monkeypatch.setattr(settings, "mail_provider", "smtp")
    monkeypatch.setattr(settings, "smtp_url", None)
    with pytest.raises(TemporaryFailure) as caught:
        providers.get_provider()
    assert caught.value.reason == "smtp_not_configured"


@pytest.mark.parametrize("url", ["http://api.example", "ftp://127.0.0.1", "api.example"])
def test_the_api_is_reached_over_tls(url: str) -> None:
    with pytest.raises(ValueError, match="ORION_MAIL_API_URL"):
        Settings(env="test", mail_api_url=url)
