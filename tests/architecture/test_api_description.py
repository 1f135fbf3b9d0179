"""The description of loyalty's API is complete, its examples are what the API takes and answers, and the exported file is fresh (I2)."""

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from app.core.config import Settings
from app.core.modules import load_modules
from app.core.web.app import build_api
from app.core.web.openapi import DeclaredRoute, list_routes, select

ROOT = Path(__file__).resolve().parents[2]
EXPORTED = ROOT / "app/modules/loyalty/docs/loyalty-openapi.json"
TAGS = {"Loyalty - Store", "Loyalty - Storefront", "Loyalty - Merchant"}
FACES = {"/api/v1/store/": "Loyalty - Store", "/api/v1/storefront/": "Loyalty - Storefront", "/api/v1/merchants/": "Loyalty - Merchant"}


@functools.cache
def api() -> Any:
    return build_api(Settings(_env_file=None), load_modules())


@functools.cache
def whole() -> dict[str, Any]:
    """The description of everything, as JSON has it."""
    description: dict[str, Any] = json.loads(json.dumps(api().openapi()))
    return description


ROUTES = [route for route in list_routes(api()) if route.path.startswith("/api/") and "/loyalty" in route.path]


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
    """Each example has exactly the fields and the forms that the model would write."""
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    for value in values:
        assert adapter.dump_python(adapter.validate_json(json.dumps(value)), mode="json", exclude_unset=True) == value


def named(route: DeclaredRoute) -> str:
    return f"{route.method} {route.path}"


def test_there_are_routes_of_every_face() -> None:
    assert {prefix for prefix in FACES if any(route.path.startswith(prefix) for route in ROUTES)} == set(FACES)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_an_operation_says_what_it_is(route: DeclaredRoute) -> None:
    described = operation(route)
    assert described["tags"] == [next(tag for prefix, tag in FACES.items() if route.path.startswith(prefix))]
    assert described["summary"]
    assert described["description"]
    assert described["summary"] != described["description"]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.route.body_field is not None], ids=named)
def test_a_body_has_an_example_that_is_taken(route: DeclaredRoute) -> None:
    found = examples(operation(route)["requestBody"]["content"])
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
    found = examples(answer["content"])
    assert found
    assert route.route.response_model is not None
    assert_round_trips(route.route.response_model, found)


def test_a_selection_holds_its_operations_and_the_schemas_they_use() -> None:
    part = select(whole(), "Loyalty - Storefront")
    assert {tag for item in part["paths"].values() for each in item.values() for tag in each["tags"]} == {"Loyalty - Storefront"}
    assert list(part["paths"]) == sorted(part["paths"])
    schemas = set(part["components"]["schemas"])
    assert {"EnrollAnswer", "StoreInfo", "Problem", "FieldProblem"} <= schemas
    assert "PinList" not in schemas
    assert select(whole(), "No such")["components"]["schemas"] == {}


def export(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.cli", "openapi", "--tag-prefix", "Loyalty", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_exported_file_is_fresh_and_another_one_is_refused(tmp_path: Path) -> None:
    fresh = tmp_path / "docs" / "fresh.json"
    assert export("--output", str(fresh)).returncode == 0
    assert EXPORTED.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), "stale: run `make openapi`"
    assert export("--output", str(EXPORTED), "--check").returncode == 0
    fresh.write_text(fresh.read_text(encoding="utf-8").replace("Add stamps", "Add a stamp"), encoding="utf-8")
    for wrong in (fresh, tmp_path / "missing.json"):
        answer = export("--output", str(wrong), "--check")
        assert (answer.returncode, answer.stdout) == (1, "")
        assert "make openapi" in answer.stderr
    assert not (tmp_path / "missing.json").exists()


def test_the_exported_file_holds_loyalty_alone() -> None:
    document = json.loads(EXPORTED.read_text(encoding="utf-8"))
    assert {tag for item in document["paths"].values() for each in item.values() for tag in each["tags"]} == TAGS
    assert {(path, method.upper()) for path, item in document["paths"].items() for method in item} == {
        (route.path, route.method) for route in ROUTES
    }
