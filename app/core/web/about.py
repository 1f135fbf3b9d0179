"""What anybody may read about the platform itself: its API, page by page, and how accessible it is."""

import datetime as dt
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.core.permissions import PUBLIC
from app.core.web import api_reference, pages

router = APIRouter(tags=["Site"], include_in_schema=False)
STATED_ON = dt.date(2026, 11, 23)
"""When the statement on accessibility was last gone through; docs/accessibility.md has the same day."""


@router.get("/docs/api", summary="The API, for people")
async def show_api(request: Request) -> Response:
    """Show how the API is called, and list all its operations by group, with a filter where scripts run."""
    groups = _groups_of(request.app)
    return pages.render(request, "api-reference.html", groups=groups, count=sum(len(group.operations) for group in groups))


@router.get("/docs/api/{group}", summary="One group of the API's operations")
async def show_api_group(request: Request, group: str) -> Response:
    """Show the operations of a group with parameters, bodies, examples, answers and refusals, each at an anchor of its own."""
    found = next((each for each in _groups_of(request.app) if each.anchor == group), None)
    if found is None:
        raise NotFound
    return pages.render(request, "api-reference/group.html", group=found, everybody=PUBLIC)


def _groups_of(app: Any) -> tuple[api_reference.GroupView, ...]:
    """Return the API's operations by group, shaped once per process."""
    if not hasattr(app.state, "api_reference"):
        app.state.api_reference = api_reference.shape(app.openapi())
    groups: tuple[api_reference.GroupView, ...] = app.state.api_reference
    return groups


@router.get("/accessibility", summary="How accessible the platform is")
async def show_accessibility(request: Request) -> Response:
    """Say what was tested and how, what is known to be missing, and how to complain."""
    return pages.render(request, "accessibility.html", contact=request.app.state.settings.contact_email, stated_on=STATED_ON)
