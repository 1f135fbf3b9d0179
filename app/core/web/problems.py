"""Errors on the wire: RFC 9457 problem+json for the API, its HTML twin for pages. The one place that knows statuses."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core import errors
from app.core.i18n import N_, current_locale, formatting, translate
from app.core.observability import where_of

log = structlog.get_logger(__name__)

STATUS: Mapping[type[errors.OrionException], int] = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.Invalid: 422,
    errors.Limited: 429,
    errors.Unavailable: 503,
}

TITLES: Mapping[int, str] = {
    400: N_("The request could not be read"),
    401: N_("Please sign in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("Not allowed"),
    409: N_("Not possible right now"),
    410: N_("No longer available"),
    413: N_("Too large"),
    415: N_("The request could not be read"),
    422: N_("Please check your entries"),
    429: N_("Too many requests"),
    500: N_("Something went wrong on our side"),
    503: N_("Please try again in a moment"),
}

FIELD_MESSAGES: Mapping[str, str] = {
    "missing": N_("Please fill in this field."),
    "extra_forbidden": N_("This field is not known."),
    "string_too_short": N_("This is too short."),
    "string_too_long": N_("This is too long."),
    "greater_than": N_("This number is too small."),
    "greater_than_equal": N_("This number is too small."),
    "less_than": N_("This number is too large."),
    "less_than_equal": N_("This number is too large."),
    "too_long": N_("There are too many entries."),
    "too_short": N_("There are too few entries."),
    "int_type": N_("Please enter a whole number."),
    "int_parsing": N_("Please enter a whole number."),
    "bool_type": N_("Please choose yes or no."),
}
FIELD_FALLBACK = N_("This value is not valid.")

PANEL_HOMES = ("/admin", "/merchants")
RETURNING_SIGN_IN_PAGES = ("/admin/sign-in", "/merchants/sign-in")
DETOURS: Mapping[str, str] = {"store_not_chosen": "/store/terminal/store"}
"""Refusals of a page that another page can lift."""
SIGN_IN_PAGES = (("/admin", "/admin/sign-in"), ("/merchants", "/merchants/sign-in"), ("/store", "/store/terminal/pair"))


class FieldProblem(BaseModel):
    """One field of the request that is wrong."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as RFC 9457 problem details, with a stable `code` and the request's id."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    params: dict[str, Any] = {}
    request_id: str
    errors: list[FieldProblem] = []


def status_of(error: errors.OrionException) -> int:
    """Return the HTTP status of an error's kind."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def readable(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params` as a person reads them: an instant `…_at` becomes a time of day in the zone `zone` (UTC without)."""
    zone = str(params.get("zone", "UTC"))
    return {
        name: formatting.datetime(dt.datetime.fromisoformat(value), zone) if name.endswith("_at") and isinstance(value, str) else value
        for name, value in params.items()
    }


def build(request_id: str, error: errors.OrionException, status: int | None = None) -> Problem:
    """Return `error` as a Problem in the current language."""
    locale, status = current_locale(), status or status_of(error)
    fields = error.fields if isinstance(error, errors.Invalid) else {}
    return Problem(
        title=translate(locale, TITLES.get(status, TITLES[500])),
        status=status,
        detail=translate(locale, error.error_message, readable(error.params)),
        code=error.error_code,
        params=error.params,
        request_id=request_id,
        errors=[FieldProblem(field=name, message=translate(locale, message, readable(error.params))) for name, message in fields.items()],
    )


def problem_response(problem: Problem, *, retry_after: int | None = None) -> Response:
    """Return `problem` as application/problem+json."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(problem.model_dump_json(), problem.status, headers, media_type="application/problem+json")


def wants_page(request: Request) -> bool:
    """Whether the caller is a person with a browser looking at a page."""
    return not request.url.path.startswith(("/api/", "/metrics")) and "text/html" in request.headers.get("accept", "")


def respond(request: Request, error: errors.OrionException, status: int | None = None) -> Response:
    """Return the answer to `error`: problem+json, a page, or the way to the sign-in page."""
    problem = build(request.scope.get("orion.request_id", ""), error, status)
    retry_after = getattr(error, "retry_after", None)
    if wants_page(request):
        from app.core.web import pages  # pages need the app's templates, which the API can do without

        if problem.status == 401 and (target := sign_in_page(request)):
            return RedirectResponse(target, 303)
        if problem.code in DETOURS:
            return RedirectResponse(DETOURS[problem.code], 303)
        response = pages.render(request, "error.html", status=problem.status, problem=problem, retry_after=retry_after)
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response
    return problem_response(problem, retry_after=retry_after)


def sign_in_page(request: Request) -> str | None:
    """Return the address at which this caller can sign in, or None."""
    path = request.url.path
    if path.startswith("/s/"):
        return f"/s/{path.split('/')[2]}/loyalty/sign-in"
    page = next((page for prefix, page in SIGN_IN_PAGES if path.startswith(prefix) and path != page), None)
    if page is None or request.method != "GET" or path in PANEL_HOMES or page not in RETURNING_SIGN_IN_PAGES:
        return page
    wanted = path + ("?" + request.url.query if request.url.query else "")
    return f"{page}?{urlencode({'next': wanted})}"  # a panel's session ends after half an hour: go on where it ended


def from_validation(error: RequestValidationError) -> errors.OrionException:
    """Return FastAPI's validation error as ours: 400 for what is not JSON, 422 with the fields for the rest."""
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return errors.BadRequest()
    fields: dict[str, str] = {}
    for item in error.errors():
        place = [str(part) for part in item["loc"] if part not in ("body", "query", "path", "header")]
        own = (item.get("ctx") or {}).get("msgid")
        fields.setdefault(".".join(place) or "body", own or FIELD_MESSAGES.get(item["type"], FIELD_FALLBACK))
    return errors.Invalid(fields)


def from_database(error: BaseException) -> errors.OrionException | None:
    """Return what a database error means to the caller, or None when it is our mistake."""
    original = error.orig if isinstance(error, DBAPIError) else error
    cause = getattr(original, "__cause__", None)
    for candidate in (original, cause):
        if isinstance(candidate, asyncpg.LockNotAvailableError | asyncpg.DeadlockDetectedError | asyncpg.QueryCanceledError):
            return errors.Unavailable()
        if isinstance(candidate, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError | asyncpg.InsufficientResourcesError):
            return errors.Unavailable()
        # InternalClientError: the server's farewell arrived between two statements, and the driver had not noticed
        if isinstance(candidate, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError | PoolTimeoutError):
            return errors.Unavailable()
        if isinstance(candidate, asyncpg.CannotConnectNowError | asyncpg.IdleInTransactionSessionTimeoutError):
            return errors.Unavailable()
    return None


def too_large() -> errors.OrionException:
    """Return the refusal of a body beyond the limit."""
    return errors.BadRequest(code="too_large", message=TITLES[413])


def classify(error: BaseException) -> tuple[errors.OrionException, int]:
    """Return any exception as one of ours with its status; what nobody foresaw is a 500 that says nothing about itself."""
    if isinstance(error, errors.OrionException):
        return error, status_of(error)
    if isinstance(error, RequestValidationError):
        ours = from_validation(error)
        return ours, status_of(ours)
    if isinstance(error, HTTPException) and error.status_code == 413:
        return too_large(), 413
    if isinstance(error, HTTPException):
        kind = {400: errors.BadRequest, 401: errors.Unauthenticated, 403: errors.Forbidden, 404: errors.NotFound}.get(error.status_code)
        return (kind or errors.BadRequest)(), error.status_code
    if isinstance(error, RecursionError):
        return errors.BadRequest(), 400
    if known := from_database(error):
        return known, status_of(known)
    return errors.OrionException(code="internal", message=N_("This is our fault, and it has been noted. Please try again.")), 500


def log_failure(request_id: str, error: BaseException) -> None:
    """Log an unforeseen error by type and place; its text may hold a person's data and is left out."""
    log.error("unhandled", request_id=request_id, error=type(error).__name__, where=where_of(error))


async def handle(request: Request, error: Exception) -> Response:
    """FastAPI's exception handler for every kind of error."""
    ours, status = classify(error)
    if status >= 500 and not isinstance(error, errors.OrionException):
        log_failure(request.scope.get("orion.request_id", ""), error)
    return respond(request, ours, status)


def install(app: FastAPI) -> None:
    """Register the handler on `app`."""
    for kind in (errors.OrionException, RequestValidationError, HTTPException, DBAPIError, PoolTimeoutError, RecursionError, OSError):
        app.add_exception_handler(kind, handle)
    for driver_kind in (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        app.add_exception_handler(driver_kind, handle)
    app.add_exception_handler(Exception, handle)  # answered, then raised again: the gate has the last word


def plain(status: int, request_id: str) -> bytes:
    """Return the problem body of an answer given outside the app: cross-site, oversize, too slow, or our own fault."""
    kind = {400: errors.BadRequest, 403: errors.Forbidden, 404: errors.NotFound, 503: errors.Unavailable}.get(status)
    if kind is not None:
        return build(request_id, kind()).model_dump_json().encode()
    error = too_large() if status == 413 else errors.OrionException(code="internal")
    return build(request_id, error, status).model_dump_json().encode()


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route: the problems it can answer, for the API's documentation."""
    return {
        status: {
            "description": TITLES[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (401, 403, 422, 503, *statuses)
    }
