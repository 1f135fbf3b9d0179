"""The API's description in the shape that a page shows: groups of operations with their fields, examples, answers and refusals."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from markupsafe import Markup

from app.core import permissions

DEEPEST = 4
"""How many levels of a body or an answer are listed; the example shows the rest."""
ANCHOR = re.compile(r"[^a-z0-9]+")
CODE = re.compile(r"`([^`]+)`")
METHODS = ("get", "post", "put", "patch", "delete")
LIMITS = (
    ("minimum", "≥ {}"), ("exclusiveMinimum", "> {}"), ("maximum", "≤ {}"), ("exclusiveMaximum", "< {}"),
    ("minLength", "≥ {} characters"), ("maxLength", "≤ {} characters"), ("minItems", "≥ {} entries"), ("maxItems", "≤ {} entries"),
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class FieldView:
    """A field of a body or an answer, or a parameter; `name` is dotted, `items[].id` for what a list holds."""

    name: str
    type: str
    is_required: bool
    text: Markup
    place: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ContentView:
    """A body or an answer: media type, fields, and one example as indented JSON."""

    media_type: str
    fields: tuple[FieldView, ...]
    example: str


@dataclasses.dataclass(frozen=True, slots=True)
class AnswerView:
    """What comes back: the status, the words for it (a msgid for refusals), the content of a success."""

    status: str
    title: str
    content: ContentView | None


@dataclasses.dataclass(frozen=True, slots=True)
class OperationView:
    """One operation; `limit` is "60/minute", `roles` those that its permission lets in."""

    anchor: str
    method: str
    path: str
    summary: str
    paragraphs: tuple[Markup, ...]
    parameters: tuple[FieldView, ...]
    body: ContentView | None
    answers: tuple[AnswerView, ...]
    refusals: tuple[AnswerView, ...]
    permission: str
    roles: tuple[str, ...]
    limit: str


@dataclasses.dataclass(frozen=True, slots=True)
class GroupView:
    """The operations of one tag."""

    tag: str
    anchor: str
    operations: tuple[OperationView, ...]


def anchor_of(text: str) -> str:
    """Return `text` as the id of a place on a page."""
    return ANCHOR.sub("-", text.lower()).strip("-")


def prose(text: str) -> Markup:
    """Return a sentence of the description with its `code` marked up."""
    parts = CODE.split(" ".join(text.split()))
    return Markup().join(Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts))


def shape(document: Mapping[str, Any]) -> tuple[GroupView, ...]:
    """Return the operations of an OpenAPI document by tag, in the order of tags and paths."""
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    found = sorted(
        ((operation.get("tags") or ["Other"])[0], path, METHODS.index(method), operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    )
    return tuple(
        GroupView(tag, anchor_of(tag), tuple(_operation(METHODS[method], path, each, schemas) for _tag, path, method, each in group))
        for tag, group in groupby(found, key=lambda each: each[0])
    )


def _operation(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> OperationView:
    answers = [_answer(status, each, schemas) for status, each in sorted(operation["responses"].items())]
    permission = operation.get("x-permission", "")
    return OperationView(
        anchor=anchor_of(f"{method} {path}"),
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        paragraphs=tuple(prose(part) for part in operation.get("description", "").split("\n\n") if part.strip()),
        parameters=tuple(_parameter(each, schemas) for each in operation.get("parameters", ())),
        body=_content(operation.get("requestBody", {}), schemas),
        answers=tuple(answer for answer in answers if answer.status.startswith("2")),
        refusals=tuple(answer for answer in answers if not answer.status.startswith("2")),
        permission=permission,
        roles=tuple(permissions.roles_for(permission)) if permission else (),
        limit=operation.get("x-rate-limit", ""),
    )


def _answer(status: str, answer: Mapping[str, Any], schemas: Mapping[str, Any]) -> AnswerView:
    return AnswerView(status, answer.get("description", ""), _content(answer, schemas) if status.startswith("2") else None)


def _parameter(parameter: Mapping[str, Any], schemas: Mapping[str, Any]) -> FieldView:
    schema = parameter.get("schema", {})
    text = parameter.get("description") or schema.get("description") or ""
    return FieldView(parameter["name"], type_of(schema, schemas), bool(parameter.get("required")), prose(text), parameter["in"])


def _content(holder: Mapping[str, Any], schemas: Mapping[str, Any]) -> ContentView | None:
    for media_type, each in holder.get("content", {}).items():
        schema = _resolve(each.get("schema", {}), schemas)
        examples = each.get("examples", {}) or schema.get("examples", ())
        first = next(iter(examples.values() if isinstance(examples, dict) else examples), each.get("example"))
        example = "" if first is None else json.dumps(first, indent=2, ensure_ascii=False)
        return ContentView(media_type, tuple(_fields(schema, schemas)), example)
    return None


def _resolve(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference, and what stands beside null."""
    if "$ref" in schema:
        return {**_resolve(schemas.get(schema["$ref"].rpartition("/")[2], {}), schemas), **{k: v for k, v in schema.items() if k != "$ref"}}
    choices = [each for each in schema.get("anyOf", schema.get("oneOf", ())) if each.get("type") != "null"]
    if len(choices) == 1:
        return {**_resolve(choices[0], schemas), **{name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}}
    return schema


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[FieldView]:
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        inner = _resolve(each, schemas)
        place = f"{prefix}{name}"
        yield FieldView(place, type_of(each, schemas), name in required, prose(inner.get("description", "") if "$ref" not in each else ""))
        if inner.get("type") == "array":
            place, inner = f"{place}[]", _resolve(inner.get("items", {}), schemas)
        if depth < DEEPEST:
            yield from _fields(inner, schemas, f"{place}.", depth + 1)


def type_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return a schema's type in words: "string (uuid) or null", "list of integer ≥ 1", `"open" | "closed"`."""
    choices = schema.get("anyOf", schema.get("oneOf"))
    if choices:
        return " or ".join(dict.fromkeys(type_of(each, schemas) for each in choices))
    if "$ref" in schema:
        return type_of(schemas.get(schema["$ref"].rpartition("/")[2], {}), schemas)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}), schemas)}"
    parts = [str(schema.get("type", "any")), *([f"({schema['format']})"] if "format" in schema else [])]
    return " ".join([*parts, *(words.format(schema[name]) for name, words in LIMITS if name in schema)])
