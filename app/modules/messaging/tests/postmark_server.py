"""A real HTTP server on the loopback that speaks Postmark's documented contract, answers as a test tells it to, and keeps mails.

https://postmarkapp.com/developer/api/email-api: POST /email with X-Postmark-Server-Token; 200 with ErrorCode 0 and a MessageID, or
401 (token), 422 (what is wrong as ErrorCode), 429, 500, 503.
"""

import asyncio
import contextlib
import dataclasses
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "5f0c1d2e-3a4b-4c5d-8e6f-7a8b9c0d1e2f"
STREAMS = ("outbound", "broadcast")


@dataclasses.dataclass
class PostmarkServer:
    """What the server took, by MessageID, and what it answers next: one answer a mail, then success again."""

    port: int = 0
    mails: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    answers: list[tuple[int, Any]] = dataclasses.field(default_factory=list)
    inactive: set[str] = dataclasses.field(default_factory=set)
    connections: set[Any] = dataclasses.field(default_factory=set)
    silence: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The setting that names this server."""
        return f"http://127.0.0.1:{self.port}"

    async def send(self, request: Request) -> Response:
        """POST /email."""
        self.connections.add(request.client)
        if self.silence is not None:
            await self.silence.wait()
        if request.headers.get("x-postmark-server-token") != TOKEN:
            return error(401, 10, "No Account or Server API tokens were supplied in the HTTP headers.")
        if self.answers:
            status, content = self.answers.pop(0)
            return Response(content, status) if isinstance(content, str) else JSONResponse(content, status)
        document = await request.json()
        fault = find_fault(document)
        if fault is not None:
            return error(422, *fault)
        if document["To"] in self.inactive:
            return error(422, 406, f"You tried to send to recipient(s) that have been marked as inactive. Found: {document['To']}.")
        message_id = str(uuid.uuid4())
        self.mails[message_id] = document
        return JSONResponse(
            {"To": document["To"], "SubmittedAt": "2026-11-23T10:15:00Z", "MessageID": message_id, "ErrorCode": 0, "Message": "OK"}
        )

    async def describe(self, request: Request) -> Response:
        """GET /server."""
        if request.headers.get("x-postmark-server-token") != TOKEN:
            return error(401, 10, "No Account or Server API tokens were supplied in the HTTP headers.")
        return JSONResponse({"ID": 1, "Name": "Orion", "ApiTokens": [TOKEN], "SmtpApiActivated": True})


def error(status: int, code: int, message: str) -> Response:
    """An error as the API gives it."""
    return JSONResponse({"ErrorCode": code, "Message": message}, status)


def find_fault(document: dict[str, Any]) -> tuple[int, str] | None:
    """Return the API's code and words for a document it would refuse."""
    if not document.get("From") or not document.get("To") or not (document.get("TextBody") or document.get("HtmlBody")):
        return 300, "Zero recipients, no sender or no body specified"
    if document.get("MessageStream", "outbound") not in STREAMS:
        return 1235, "The 'MessageStream' provided does not exist on this server."
    if any(set(header) != {"Name", "Value"} for header in document.get("Headers", [])):
        return 402, "Invalid JSON"
    return None


class _Server(uvicorn.Server):
    """Leaves the signals to the process that runs the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def postmark_server() -> AsyncIterator[PostmarkServer]:
    """Serve until the block ends."""
    handler = PostmarkServer()
    routes = [Route("/email", handler.send, methods=["POST"]), Route("/server", handler.describe)]
    listener = socket.create_server(("127.0.0.1", 0))
    handler.port = listener.getsockname()[1]
    server = _Server(uvicorn.Config(Starlette(routes=routes), lifespan="off", log_level="error"))
    serving = asyncio.create_task(server.serve([listener]))  # who connects before it serves waits in the listener's queue
    try:
        yield handler
    finally:
        if handler.silence is not None:
            handler.silence.set()
        server.should_exit = True
        await serving
