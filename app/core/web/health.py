"""Liveness and readiness."""

import asyncio

import structlog
from fastapi import APIRouter
from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.db.role import role_fault
from app.core.web.fields import Answer

log = structlog.get_logger(__name__)
router = APIRouter(tags=["Operation - Health"])


class StatusAnswer(Answer):
    """One word or sentence about the process; a balancer looks at the status alone."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"status": "ready"}]})

    status: str


@router.get("/livez", summary="Is the process alive?", description="Touches nothing but the process itself.", response_model=StatusAnswer)
async def livez() -> Response:
    """Answer at once."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    summary="Can the process serve?",
    description="Checks the database and the role's rights; 503 until both are right.",
    response_model=StatusAnswer,
    responses={503: {"description": "Not ready", "model": StatusAnswer}},
)
async def readyz(request: Request) -> Response:
    """Answer 200 when the database answers and the role is right."""
    try:
        fault = await asyncio.wait_for(role_fault(request.app.state.database), 2)
    except Exception as error:  # whatever it is, we cannot serve
        log.warning("not_ready", error=type(error).__name__)
        return JSONResponse({"status": "database unreachable"}, 503, {"Retry-After": "2"})
    return JSONResponse({"status": fault or "ready"}, 503 if fault else 200)
