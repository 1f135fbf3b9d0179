"""The store's face before there is a terminal: a device presents its code."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.web import security
from app.core.web.deps import access
from app.core.web.fields import Answer, Body, example
from app.core.web.problems import documented
from app.modules.loyalty.services import terminal_service

router = APIRouter(prefix="/api/v1/store/loyalty/terminals", tags=["Loyalty - Store"])


class PairBody(Body):
    """The code from the merchant panel, as typed."""

    model_config = example(code="CDFG-2345")

    code: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class PairAnswer(Answer):
    """The device is this terminal now."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"name": "Kasse 1"}]})

    name: str


@router.post("/pair", summary="Pair a terminal", status_code=201, responses=documented(410, 429))
async def pair_terminal(
    body: PairBody, request: Request, response: Response, ctx: PlatformCtx = access("public", "loyalty.terminal.pair", limit="10/minute")
) -> PairAnswer:
    """Make this device a store's terminal with a one-time code; its session comes as a cookie.

    An unknown, a used and an expired code are refused alike; too many tries are refused whatever the code.
    """
    pairing = await terminal_service.pair(ctx, body.code)
    session = pairing.session
    security.set_cookie(response, session.cookie, session.token, request.app.state.settings, max_age=session.max_age)
    return PairAnswer(name=pairing.name)
