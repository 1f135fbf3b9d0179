"""The gate: one plain ASGI middleware around the app (a BaseHTTPMiddleware costs more than the whole framework).

It gives a request its id and language, refuses cross-site and oversize ones, keeps the deadline, adds the security headers,
counts and logs. Nothing it logs was typed by a person.
"""

import asyncio
import random
import re
import time
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import clock
from app.core.config import Settings
from app.core.i18n.locale import match_locale, negotiate, use_locale
from app.core.ids import new_id
from app.core.observability import REQUEST_SECONDS, REQUESTS
from app.core.web import csrf, problems, security
from app.core.web.credentials import LANGUAGE_COOKIE
from app.core.web.measuring import STORE
from app.core.web.streams import DEADLINE

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 256 * 1024
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
METHODS = frozenset({"GET", "HEAD", "OPTIONS", *csrf.UNSAFE})
_LANGUAGE = re.compile(rf"(?:^|;\s*){LANGUAGE_COOKIE}=([a-z]{{2}})")
_LANGUAGE_QUERY = re.compile(rb"(?:^|&)lang=([a-z]{2})(?:&|$)")


class _TooLarge(HTTPException):
    """An HTTPException, because FastAPI turns any other error while reading a body into 400."""

    def __init__(self) -> None:
        super().__init__(413)


class Gate:
    """Wraps the FastAPI app; stateless but for its settings."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.origin = "{0.scheme}://{0.netloc}".format(urlsplit(settings.base_url))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (other scopes pass through)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = str(new_id())
        scope["orion.request_id"] = request_id
        headers = Headers(scope=scope)
        choice = page_choice(scope, headers)
        scope["orion.language_choice"] = choice
        started = time.perf_counter()
        answer = _Answer(send, request_id, security.headers_for(scope["path"], self.settings))
        most = MAX_UPLOAD_BYTES if csrf.is_upload(scope) else MAX_BODY_BYTES
        with use_locale(negotiate(choice, None, headers.get("accept-language"))):
            status = csrf.refusal(scope, headers, self.origin) or declared_too_large(headers, most)
            if status:
                await answer.problem(status)
            else:
                await self._serve(scope, limited(receive, most), answer, request_id)
        self._note(scope, answer.status, time.perf_counter() - started, request_id)

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer", request_id: str) -> None:
        try:
            async with asyncio.timeout(self.settings.request_deadline_seconds) as deadline:
                scope[DEADLINE] = deadline
                await self.app(scope, receive, answer)
        except TimeoutError:
            await answer.problem(503, retry_after=2)
        except _TooLarge:
            await answer.problem(413)
        except Exception as error:
            if answer.status:  # answered by the app's own handler, which has logged it
                return
            ours, status = problems.classify(error)
            if ours.error_code == "internal":
                problems.log_failure(request_id, error)
            await answer.problem(status, retry_after=getattr(ours, "retry_after", None))

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        template = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "other"  # anybody can make one up, and each would be a new series
        status_class = f"{status // 100}xx"
        REQUESTS.labels(template, method, status_class).inc()
        REQUEST_SECONDS.labels(template, status_class).observe(seconds)
        if status == 429 and (store_id := scope.get(STORE)) is not None:
            scope["app"].state.refusals.note(store_id, clock.now())
        if status >= 500 or random.random() < self.settings.request_log_sample:  # noqa: S311 - sampling, not security
            log.info(
                "request",
                request_id=request_id,
                route=template,
                method=method,
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )


class _Answer:
    """Passes the answer on, with the headers that every answer carries, and remembers its status."""

    def __init__(self, send: Send, request_id: str, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._request_id = request_id
        self._headers = headers
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = message.setdefault("headers", [])
            present = {name for name, _ in given}
            message["headers"] = [
                *given,
                (b"x-request-id", self._request_id.encode()),
                *(pair for pair in self._headers if pair[0] not in present),
            ]
        await self._send(message)

    async def problem(self, status: int, retry_after: int | None = None) -> None:
        """Answer `status` with a problem body, unless an answer is already under way."""
        if self.status:
            return
        headers = [(b"content-type", b"application/problem+json")]
        if retry_after is not None:
            headers.append((b"retry-after", str(retry_after).encode()))
        start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
        await self(start)
        await self({"type": "http.response.body", "body": problems.plain(status, self._request_id)})


def page_choice(scope: Scope, headers: Headers) -> str | None:
    """Return the language chosen on the page: `?lang=` or the cookie that remembers it."""
    if found := _LANGUAGE_QUERY.search(scope["query_string"]):
        return match_locale(found[1].decode())
    found_cookie = _LANGUAGE.search(headers.get("cookie", ""))
    return match_locale(found_cookie[1]) if found_cookie else None


def declared_too_large(headers: Headers, most: int = MAX_BODY_BYTES) -> int | None:
    """Return 413 when the declared length is over the limit of `most` bytes, 400 when it is no number."""
    declared = headers.get("content-length")
    if declared is None:
        return None
    if not declared.isdecimal():
        return 400
    return 413 if int(declared) > most else None


def limited(receive: Receive, most: int = MAX_BODY_BYTES) -> Receive:
    """Return `receive` with a cap of `most` bytes on the body's total size, for bodies that do not say how long they are."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise _TooLarge
        return message

    return counted
