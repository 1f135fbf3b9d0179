"""Every route of the API, found by asking the application: a route that nobody thought of is tested all the same."""

import dataclasses
import functools
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from app.core.config import Settings
from app.core.modules import load_modules
from app.core.web.app import build_api
from app.core.web.deps import Access, IdempotentAccess
from app.core.web.openapi import list_routes

WITHOUT_ACCESS = frozenset(
    {
        "/livez", "/readyz", "/", "/theme/{colour}.css", "/language/{locale}", "/styleguide", "/docs/api", "/docs/api/{group}",
        "/accessibility",
    }
)  # fmt: skip
"""Routes that open nothing: they touch no merchant's data and no session."""

PATH_NAMES = re.compile(r"\{(\w+)\}")


@dataclasses.dataclass(frozen=True, slots=True)
class ApiRoute:
    """One operation: where it is, what it declares, an example of its body, its ids by the schema, and whether it may carry a PIN.

    `is_open`: its body may hold fields that we do not know.
    """

    method: str
    path: str
    access: Access
    body: dict[str, Any] | None
    has_examples: bool
    body_ids: tuple[str, ...] = ()
    query_ids: tuple[str, ...] = ()
    takes_pin: bool = False
    is_open: bool = False

    @property
    def name(self) -> str:
        """How a test shows it."""
        return f"{self.method} {self.path}"

    @property
    def id_names(self) -> list[str]:
        """The names of ids that a caller sends: in the path, in the query, or in the body (also where the example leaves them out)."""
        in_path = [name for name in PATH_NAMES.findall(self.path) if name.endswith("_id")]
        return list(dict.fromkeys([*in_path, *self.query_ids, *self.body_ids]))

    @property
    def is_idempotent(self) -> bool:
        """Whether it wants an Idempotency-Key."""
        return isinstance(self.access, IdempotentAccess)

    def url(self, values: dict[str, str]) -> str:
        """Return the address with `values` for its parameters: a random id in the path where none is given, none in the query."""
        path = PATH_NAMES.sub(lambda match: values.get(match[1], str(uuid.uuid4())), self.path)
        query = {name: values[name] for name in self.query_ids if name in values}
        return f"{path}?{urlencode(query)}" if query else path

    def body_with(self, values: dict[str, str]) -> dict[str, Any] | None:
        """Return the example body with ids replaced by `values`, a random id where none is given, and no PIN of somebody.

        Ids that the example leaves out are sent when `values` name them.
        """
        if self.body is None:
            return None
        kept = {name: value for name, value in self.body.items() if name != "pin" or not isinstance(value, dict)}
        filled = {name: values.get(name, str(uuid.uuid4())) if name.endswith("_id") else value for name, value in kept.items()}
        return filled | {name: values[name] for name in self.body_ids if name in values}


@functools.cache
def all_routes() -> tuple[Any, ...]:
    """Return what the application declares."""
    api = build_api(Settings(env="test"), load_modules())
    return tuple(list_routes(api)), api.openapi()


@functools.cache
def api_routes() -> tuple[ApiRoute, ...]:
    """Return every operation under /api/v1 that declares an access."""
    declared, schema = all_routes()
    found = []
    for item in declared:
        if not item.path.startswith("/api/v1/") or item.access is None:
            continue
        operation = schema["paths"][item.path][item.method.lower()]
        reference = _body_schema(operation, schema)
        examples = (reference or {}).get("examples") or []
        found.append(
            ApiRoute(
                item.method,
                item.path,
                item.access,
                examples[0] if examples else None,
                reference is None or bool(examples),
                tuple(name for name in (reference or {}).get("properties", {}) if name.endswith("_id")),
                tuple(
                    parameter["name"]
                    for parameter in operation.get("parameters", [])
                    if parameter["in"] == "query" and parameter["name"].endswith("_id")
                ),
                "TypedPin" in str((reference or {}).get("properties", {}).get("pin", "")),
                reference is not None and reference.get("additionalProperties") is not False,
            )
        )
    return tuple(found)


def _body_schema(operation: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    reference = content["schema"].get("$ref", "")
    found: dict[str, Any] = schema["components"]["schemas"].get(reference.rpartition("/")[2], content["schema"])
    return found
