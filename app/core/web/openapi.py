"""The API's description: what FastAPI derives, and what our conventions add to every route."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from app.core.web.deps import Access, IdempotentAccess
from app.core.web.problems import Problem

METHODS = ("get", "post", "put", "patch", "delete")
KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "16 to 255 printable characters, new for each human action. A repeat answers what the first call answered.",
    "schema": {"type": "string", "minLength": 16, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    "example": "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e",
}


@dataclasses.dataclass(frozen=True, slots=True)
class DeclaredRoute:
    """A route with the one Access it declares (None when it declares none)."""

    path: str
    method: str
    route: APIRoute
    access: Access | None


def list_routes(api: FastAPI) -> Iterator[DeclaredRoute]:
    """Yield every route of `api` with what it declares; ValueError for a route with two."""
    for context in iter_route_contexts(api.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            continue
        declared = list(_accesses(route.dependant))
        if len(declared) > 1:
            raise ValueError(f"{context.path} declares more than one access")
        for method in sorted(route.methods or ()):
            yield DeclaredRoute(context.path or route.path, method, route, declared[0] if declared else None)


def _accesses(dependant: Dependant) -> Iterator[Access]:
    for child in dependant.dependencies:
        if isinstance(child.call, Access):
            yield child.call
        yield from _accesses(child)


def install(api: FastAPI) -> None:
    """Make `api.openapi()` complete: the Problem schema, the Idempotency-Key, and what a route's permission is."""
    derive = api.openapi

    def describe() -> dict[str, Any]:
        if api.openapi_schema is not None:
            return api.openapi_schema
        schema = derive()
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas |= problem.pop("$defs", {}) | {"Problem": problem}
        for declared in list_routes(api):
            operation = schema["paths"].get(declared.path, {}).get(declared.method.lower())
            if operation is not None and declared.access is not None:
                _complete(operation, declared.access)
        return schema

    api.openapi = describe  # type: ignore[method-assign]


def _complete(operation: dict[str, Any], access: Access) -> None:
    operation["x-permission"] = access.permission
    if access.limit is not None:
        operation["x-rate-limit"] = access.limit
    if isinstance(access, IdempotentAccess):
        operation.setdefault("parameters", []).append(KEY_PARAMETER)
