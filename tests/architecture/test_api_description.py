"""The API's description is complete, its examples are what the API takes and answers, and loyalty's exported file is fresh (I2)."""

import functools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from app.core.config import Settings
from app.core.modules import load_modules
from app.core.web.app import build_api
from app.core.web.deps import IdempotentAccess
from app.core.web.openapi import DeclaredRoute, list_routes, select

ROOT = Path(__file__).resolve().parents[2]
EXPORTED = ROOT / "app/modules/loyalty/docs/loyalty-openapi.json"
LOYALTY_FACES = {"Loyalty - Store", "Loyalty - Storefront", "Loyalty - Merchant"}
GROUPS = {
    "/api/v1/store/": "Store",
    "/api/v1/storefront/": "Storefront",
    "/api/v1/merchants/": "Merchant",
    "/api/v1/admin/": "Admin",
    "/api/v1/auth/": "Account",
    "/api/v1/webhooks/": "Webhooks",
    "/livez": "Health",
    "/readyz": "Health",
}
"""What the second half of a tag is, by where a path begins."""
HIDDEN = {
    "POST /mail/unsubscribe/{token}": "mail programs send this form by themselves (RFC 8058); nobody builds against it",
    "POST /mail/preferences/{token}": "the form behind a link in a mail, which works without scripts",
}
"""Routes that change something and are not described, and why. Pages (GET, outside /api) are never described."""
MODULE = re.compile(r"app\.modules\.(\w+)\.")


@functools.cache
def api() -> Any:
    return build_api(Settings(_env_file=None), load_modules())


@functools.cache
def whole() -> dict[str, Any]:
    """The description of everything, as JSON has it."""
    description: dict[str, Any] = json.loads(json.dumps(api().openapi()))
    return description


ALL = list(list_routes(api()))
ROUTES = [route for route in ALL if route.method.lower() in whole()["paths"].get(route.path, {})]


def operation(route: DeclaredRoute) -> dict[str, Any]:
    found: dict[str, Any] = whole()["paths"][route.path][route.method.lower()]
    return found


def examples(content: dict[str, Any]) -> list[Any]:
    """Return the examples of a body's or an answer's model."""
    schema = content["application/json"]["schema"]
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: list[Any] = whole()["components"]["schemas"].get(name, schema).get("examples", [])
    return found


def assert_round_trips(model: Any, values: list[Any]) -> None:
    """Each example has exactly the fields and the forms that the model would write; an open document may have more than we read."""
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    is_open = adapter.json_schema().get("additionalProperties") is True
    for value in values:
        written = adapter.dump_python(adapter.validate_json(json.dumps(value)), mode="json", exclude_unset=True)
        assert written.items() <= value.items() if is_open else written == value


def named(route: DeclaredRoute) -> str:
    return f"{route.method} {route.path}"


def test_every_route_is_described_or_says_why_not() -> None:
    described = {named(route) for route in ROUTES}
    hidden = {named(route) for route in ALL} - described
    assert {name for name in hidden if not name.startswith("GET ") or name.startswith("GET /api/")} == set(HIDDEN)


def test_no_two_routes_share_a_path() -> None:
    """The first one declared would answer for both, unseen."""
    names = [named(route) for route in ALL]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_an_operation_says_what_it_is(route: DeclaredRoute) -> None:
    described = operation(route)
    (tag,) = described["tags"]
    module, _, group = tag.partition(" - ")
    assert group == next(group for prefix, group in GROUPS.items() if route.path.startswith(prefix)), tag
    of_a_module = MODULE.match(route.route.endpoint.__module__)
    assert module.lower() == (of_a_module[1] if of_a_module else "operation"), tag
    assert described["summary"]
    assert described["description"]
    assert described["summary"] != described["description"]


@pytest.mark.parametrize("route", [route for route in ROUTES if "requestBody" in operation(route)], ids=named)
def test_a_body_has_an_example_that_is_taken(route: DeclaredRoute) -> None:
    content = operation(route)["requestBody"]["content"]
    if "application/json" not in content:
        assert content
        assert all(each.get("schema") for each in content.values()), "say what the file is: a schema with a description"
        return
    found = examples(content)
    assert found
    assert route.route.body_field is not None
    assert_round_trips(route.route.body_field.field_info.annotation, found)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_success_has_a_model_with_an_example_that_fits(route: DeclaredRoute) -> None:
    successes = {status: answer for status, answer in operation(route)["responses"].items() if status.startswith("2")}
    assert len(successes) == 1
    ((status, answer),) = successes.items()
    if status == "204":
        assert "content" not in answer
        return
    if answer["content"].keys() != {"application/json"}:
        assert answer["content"], "a download names its media types"
        return
    found = examples(answer["content"])
    assert found
    assert route.route.response_model is not None
    assert_round_trips(route.route.response_model, found)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.access is not None], ids=named)
def test_the_refusals_that_its_kind_brings_are_described(route: DeclaredRoute) -> None:
    """Whatever a route does: who may call it, what it is sent and which ids it takes decide how it can refuse.

    What its work refuses beyond that is compared with the description at every answer that a test gets (tests/conftest.py).
    """
    described = operation(route)
    assert route.access is not None
    ids = [item for item in described.get("parameters", []) if item["in"] == "path"]
    cursor = [item for item in described.get("parameters", []) if item["name"] == "cursor"]
    wanted = {"401", "403", "422", "503"}
    wanted |= {"404"} if ids else set()
    wanted |= {"400"} if cursor else set()
    wanted |= {"400", "413"} if "requestBody" in described else set()
    wanted |= {"400", "409"} if isinstance(route.access, IdempotentAccess) else set()
    wanted |= {"429"} if route.access.limit else set()
    assert wanted - described["responses"].keys() == set()
    for status in wanted:
        assert described["responses"][status]["description"]
        assert "application/problem+json" in described["responses"][status]["content"]


def test_a_selection_holds_its_operations_and_the_schemas_they_use() -> None:
    part = select(whole(), "Loyalty - Storefront")
    assert {tag for item in part["paths"].values() for each in item.values() for tag in each["tags"]} == {"Loyalty - Storefront"}
    assert list(part["paths"]) == sorted(part["paths"])
    schemas = set(part["components"]["schemas"])
    assert {"EnrollAnswer", "StoreInfo", "Problem", "FieldProblem"} <= schemas
    assert "PinList" not in schemas
    assert select(whole(), "No such")["components"]["schemas"] == {}


def export(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.cli", "openapi", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_exported_file_is_fresh_and_another_one_is_refused(tmp_path: Path) -> None:
    fresh = tmp_path / "docs" / "fresh.json"
    assert export("--output", str(fresh)).returncode == 0
    assert EXPORTED.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), "stale: run `make openapi`"
    assert export("--check").returncode == 0
    fresh.write_text(fresh.read_text(encoding="utf-8").replace("Add stamps", "Add a stamp"), encoding="utf-8")
    for wrong in (fresh, tmp_path / "missing.json"):
        answer = export("--output", str(wrong), "--check")
        assert (answer.returncode, answer.stdout) == (1, "")
        assert "make openapi" in answer.stderr
    assert not (tmp_path / "missing.json").exists()


def test_everything_is_printed_when_asked_for() -> None:
    answer = export("--output", "-", "--tag-prefix", "")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["paths"].keys() == whole()["paths"].keys()


def test_the_exported_file_holds_loyalty_alone() -> None:
    document = json.loads(EXPORTED.read_text(encoding="utf-8"))
    tags = {tag for item in document["paths"].values() for each in item.values() for tag in each["tags"]}
    assert tags >= LOYALTY_FACES
    assert all(tag.startswith("Loyalty - ") for tag in tags)
    assert {(path, method.upper()) for path, item in document["paths"].items() for method in item} == {
        (route.path, route.method) for route in ROUTES if operation(route)["tags"][0].startswith("Loyalty - ")
    }
