"""The API's description: what FastAPI derives, and what our conventions add to every route."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.encoders import jsonable_encoder
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from app.core.web.deps import Access, IdempotentAccess
from app.core.web.problems import Problem, documented

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
        call: object = child.call
        if isinstance(call, Access):
            yield call
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
            for model in _models(declared.route):
                _restore_nulls(schemas, model)
            operation = schema["paths"].get(declared.path, {}).get(declared.method.lower())
            if operation is not None and declared.access is not None:
                _complete(operation, declared.access)
        return schema

    api.openapi = describe  # type: ignore[method-assign]


def _models(route: APIRoute) -> Iterator[type[BaseModel]]:
    """Yield the models of a route's body and answer."""
    body = route.body_field.field_info.annotation if route.body_field is not None else None
    for model in (body, route.response_model):
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield model


def _restore_nulls(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    """Put the examples of `model`, and of those it consists of, back as they were written: FastAPI leaves out what is null."""
    own = model.model_json_schema()
    for name, definition in {**own.pop("$defs", {}), model.__name__: own}.items():
        described, written = schemas.get(name, {}), definition.get("examples")
        if written is not None and described.get("examples") == jsonable_encoder(written, exclude_none=True):
            described["examples"] = written


def _complete(operation: dict[str, Any], access: Access) -> None:
    operation["x-permission"] = access.permission
    if access.limit is not None:
        operation["x-rate-limit"] = access.limit
    if isinstance(access, IdempotentAccess):
        operation.setdefault("parameters", []).append(KEY_PARAMETER)
    responses = operation["responses"]
    for status, answer in documented(*_own_statuses(operation, access)).items():
        if "application/json" in responses.get(str(status), {}).get("content", {}):
            del responses[str(status)]  # FastAPI's own form of 422, which no route of ours answers
        responses.setdefault(str(status), answer)


def _own_statuses(operation: dict[str, Any], access: Access) -> Iterator[int]:
    """Yield the refusals that come with how a route is called, whatever it does."""
    if "requestBody" in operation:
        yield from (400, 413)
    if isinstance(access, IdempotentAccess):
        yield from (400, 409, 410)  # 410: done before, for somebody who was erased since
    if access.face == "store":
        yield 409  # the counter's store is closed
    if access.limit is not None:
        yield 429


def select(schema: Mapping[str, Any], tag_prefix: str) -> dict[str, Any]:
    """Return the part of the description whose tags start with `tag_prefix`, with only the schemas that it uses, by name."""
    paths = {
        path: operations
        for path, item in sorted(schema["paths"].items())
        if (operations := {name: value for name, value in item.items() if _has_tag(value, tag_prefix)})
    }
    known = schema["components"]["schemas"]
    used: set[str] = set()
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting.extend(_references(known[name]))
    return {**schema, "paths": paths, "components": {"schemas": {name: known[name] for name in sorted(used)}}}


def _has_tag(operation: Any, prefix: str) -> bool:
    return isinstance(operation, dict) and any(tag.startswith(prefix) for tag in operation.get("tags", ()))


def _references(part: Any) -> Iterator[str]:
    """Yield the names of the schemas that a part of the description refers to."""
    if isinstance(part, list):
        for value in part:
            yield from _references(value)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix("#/components/schemas/")
            else:
                yield from _references(value)
