"""Whether the application answers as its description says: asked at every answer that a test gets."""

from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.web.middleware import Gate
from app.core.web.openapi import list_routes

OURS = "500"
"""Nobody describes a fault of ours; a test that provokes one knows."""


class Described:
    """Wraps a gate: an operation that answers with a status or a media type it does not describe fails the test that called it."""

    def __init__(self, gate: Gate) -> None:
        self._gate: ASGIApp = gate
        api = cast("FastAPI", gate.app)
        paths: Mapping[str, Any] = api.openapi()["paths"]
        self.operations: dict[tuple[int, str], dict[str, Any]] = {
            (id(declared.route), declared.method): paths[declared.path][declared.method.lower()]["responses"].copy()
            for declared in list_routes(api)
            if declared.access is not None and declared.method.lower() in paths.get(declared.path, {})
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, then compare its answer with what its route says about itself."""
        answered: dict[str, str] = {}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                media_type = dict(message["headers"]).get(b"content-type", b"").decode().partition(";")[0]
                answered[str(message["status"])] = media_type
            await send(message)

        await self._gate(scope, receive, watched)
        described = self.operations.get((id(scope.get("route")), scope.get("method", "")))
        if described is None:
            return
        for status, media_type in answered.items():
            place = f"{scope['method']} {scope['path']} answered {status}"
            assert status in described or status == OURS, f"{place}, which its `responses` do not describe"
            types = described.get(status, {}).get("content")
            assert not types or media_type in types, f"{place} as {media_type}, described as {', '.join(types or ())}"
