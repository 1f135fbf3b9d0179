"""Answers that are too long for one piece: read piece by piece, each in a short unit of work of its own.

No transaction waits for a slow reader, and memory holds one piece at a time.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import StreamingResponse

from app.core import files
from app.core.context import Ctx, Principal, unit_of_work
from app.core.i18n import use_locale

PIECE_SECONDS = 60.0
"""So long may reading and sending one piece take; the deadline of other requests would end every long download."""
DEADLINE = "orion.deadline"
"""The request's timeout, in its scope."""

P = TypeVar("P")


def stream(
    request: Request, ctx: Ctx, first: P, read: Callable[[Ctx, P], Awaitable[tuple[bytes, P | None]]], *, name: str, media_type: str
) -> StreamingResponse:
    """Answer with a download called `name`, made of the pieces that `read` gives from position `first` on.

    `read` gets a unit of work as the caller of `ctx` and returns a piece and the position of the next, None after the last.
    """
    principal = Principal(ctx.actor, ctx.merchant_id, ctx.locale)

    async def pieces() -> AsyncIterator[bytes]:
        position: P | None = first
        while position is not None:
            extend(request)
            async with unit_of_work(request.app.state.database, principal, request_id=ctx.request_id) as work:
                with use_locale(ctx.locale):
                    piece, position = await read(work, position)
            yield piece

    return StreamingResponse(pieces(), media_type=media_type, headers={"content-disposition": attachment(name)})


def stream_file(request: Request, ctx: Ctx, file: files.StoredFile) -> StreamingResponse:
    """Answer with a stored file."""

    async def read(work: Ctx, number: int) -> tuple[bytes, int | None]:
        return await _part(work, file.id, number), number + 1 if number < file.parts else None

    return stream(request, ctx, 1, read, name=file.name, media_type=file.media_type)


async def _part(ctx: Ctx, file_id: uuid.UUID, number: int) -> bytes:
    return await files.read_part(ctx, file_id, number) or b""


def attachment(name: str) -> str:
    """Return the header's value that makes a browser save the answer as `name`, whatever letters it has."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_. ") else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def extend(request: Request) -> None:
    """Give a request that sends or receives piece by piece the time for another one."""
    deadline: asyncio.Timeout | None = request.scope.get(DEADLINE)
    if deadline is not None:
        deadline.reschedule(asyncio.get_running_loop().time() + PIECE_SECONDS)
