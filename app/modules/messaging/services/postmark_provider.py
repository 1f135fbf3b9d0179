"""Postmark: a mail as one JSON document over HTTPS (POST /email of its API).

Subject, bodies and headers are read back from the finished mail, so that every way out sends the same. Our Message-ID is kept
(`X-PM-KeepID`); the API has no other means against a second copy when its answer is lost.
"""

import asyncio
import email
import email.policy
from email.message import EmailMessage
from typing import Any

import httpx

from app.modules.messaging.domain.delivery import Delivery
from app.modules.messaging.domain.message import OutgoingMail
from app.modules.messaging.errors import PermanentFailure, TemporaryFailure

NAME = "postmark"
CONNECT_SECONDS = 5.0
STEP_SECONDS = 15.0
WHOLE_SECONDS = 40.0
"""A worker's lease must outlast the whole of it."""
KEPT_CONNECTIONS = 4
INVALID_MAIL, INACTIVE_RECIPIENT = 300, 406
"""The API's codes for a mail or an address it cannot send, and for an address that bounced or complained there before."""
OWN_FIELDS = frozenset({"from", "to", "subject", "mime-version", "content-type", "content-transfer-encoding", "content-language", "date"})


class PostmarkProvider:
    """One server of a Postmark account. Safe to use from several tasks of one event loop."""

    name = NAME

    def __init__(self, url: str, token: str, *, stream: str, marketing_stream: str, step_seconds: float = STEP_SECONDS) -> None:
        """`stream` takes service mails and reminders, `marketing_stream` marketing mails: their reputations stay apart."""
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json", "X-Postmark-Server-Token": token}
        self._streams = (stream, marketing_stream)
        self._timeout = httpx.Timeout(step_seconds, connect=min(step_seconds, CONNECT_SECONDS))
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, mail: OutgoingMail) -> str:
        """Hand `mail` over and return the API's MessageID; see MailProvider."""
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                answer = await self._open().post("/email", json=self._document(mail))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TemporaryFailure("api_timeout") from error
        except httpx.HTTPError as error:
            raise TemporaryFailure("api_connection") from error
        return _read(answer)

    async def close(self) -> None:
        """Close the kept connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        """Return the client of this event loop: connections belong to the loop that opened them."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            limits = httpx.Limits(max_keepalive_connections=KEPT_CONNECTIONS)
            self._client = httpx.AsyncClient(base_url=self._url, headers=self._headers, timeout=self._timeout, limits=limits)
            self._loop = loop
        return self._client

    def _document(self, mail: OutgoingMail) -> dict[str, Any]:
        message = email.message_from_bytes(mail.content, _class=EmailMessage, policy=email.policy.SMTP)
        headers = [{"Name": name, "Value": str(value)} for name, value in message.items() if name.lower() not in OWN_FIELDS]
        return {
            "From": str(message["From"].addresses[0]),  # quoted where it must be
            "To": mail.recipient,
            "Subject": str(message["Subject"]),
            "TextBody": _body(message, "plain"),
            "HtmlBody": _body(message, "html"),
            "Headers": [*headers, {"Name": "X-PM-KeepID", "Value": "true"}],
            "MessageStream": self._streams[mail.is_marketing],
            "TrackOpens": False,
            "TrackLinks": "None",
        }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _read(answer: httpx.Response) -> str:
    """Return the id in a positive answer. Only what is said of this recipient or this mail is final: the rest is our set-up."""
    document = _as_object(answer)
    code = document.get("ErrorCode")
    if answer.status_code == 200 and code == 0 and isinstance(document.get("MessageID"), str):
        return str(document["MessageID"])
    reason = f"api_{answer.status_code}" + (f"_{code}" if isinstance(code, int) else "")
    if code == INACTIVE_RECIPIENT:
        raise PermanentFailure(reason, bounce=Delivery.HARD_BOUNCE)
    if answer.status_code == 413 or (answer.status_code == 422 and code == INVALID_MAIL):
        raise PermanentFailure(reason)
    raise TemporaryFailure(reason)


def _as_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
