"""Liveness and readiness."""

import asyncio

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.db.role import role_fault

log = structlog.get_logger(__name__)
router = APIRouter(tags=["Operation"])


@router.get("/livez", summary="Is the process alive?", description="Touches nothing but the process itself.", response_model=dict[str, str])
async def livez() -> Response:
    """Answer at once."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    summary="Can the process serve?",
    description="Checks the database and the role's rights; 503 until both are right.",
    response_model=dict[str, str],
    responses={503: {"description": "Not ready"}},
)
async def readyz(request: Request) -> Response:
    """Answer 200 when the database answers and the role is right."""
    try:
        fault = await asyncio.wait_for(role_fault(request.app.state.database), 2)
    except Exception as error:  # whatever it is, we cannot serve
        log.warning("not_ready", error=type(error).__name__)
        return JSONResponse({"status": "database unreachable"}, 503, {"Retry-After": "2"})
    return JSONResponse({"status": fault or "ready"}, 503 if fault else 200)
