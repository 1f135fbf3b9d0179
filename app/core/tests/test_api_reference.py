"""The API's description in the shape of a page."""

from typing import Any

import httpx
import pytest

from app.core.permissions import CORE
from app.core.web import api_reference

SCHEMAS: dict[str, Any] = {
    "Store": {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"], "examples": [{"id": "1"}]},
    "Form": {
        "type": "object",
        "properties": {
            "stores": {"type": "array", "items": {"$ref": "#/components/schemas/Store"}, "description": "Where it <works>."},
            "note": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}], "description": "See `code`."},
        },
        "required": ["stores"],
        "examples": [{"stores": [], "note": None}],
    },
}
OPERATION: dict[str, Any] = {
    "tags": ["Shop - Store"],
    "summary": "Save",
    "description": "First  part.\n\nSecond `part` <b>.",
    "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 9}, "description": "How many."}],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Form"}}}},
    "responses": {
        "201": {"description": "Created", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Store"}}}},
        "409": {"description": "Not possible right now"},
    },
    "x-permission": CORE[0].name,
    "x-rate-limit": "60/minute",
}
DOCUMENT = {"paths": {"/api/v1/shop": {"post": OPERATION}}, "components": {"schemas": SCHEMAS}}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 5}, "integer ≥ 1 < 5"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Store"}}, "list of object"),
        ({"enum": ["open", "closed"], "type": "string"}, '"open" | "closed"'),
        ({"const": "card"}, '"card"'),
        ({}, "any"),
    ],
)
def test_a_type_in_words(schema: dict[str, Any], words: str) -> None:
    assert api_reference.type_of(schema, SCHEMAS) == words


def test_an_operation_has_all_its_parts() -> None:
    (group,) = api_reference.shape(DOCUMENT)
    (operation,) = group.operations
    assert (group.tag, group.anchor, operation.anchor) == ("Shop - Store", "shop-store", "post-api-v1-shop")
    assert operation.paragraphs == ("First part.", "Second <code>part</code> &lt;b&gt;.")
    assert [(item.name, item.type, item.place) for item in operation.parameters] == [("limit", "integer ≥ 1 ≤ 9", "query")]
    assert operation.body is not None
    assert [(item.name, item.type, item.is_required, str(item.text)) for item in operation.body.fields] == [
        ("stores", "list of object", True, "Where it &lt;works&gt;."),
        ("stores[].id", "string (uuid)", True, ""),
        ("note", "string ≤ 20 characters or null", False, "See <code>code</code>."),
    ]
    assert operation.body.example == '{\n  "stores": [],\n  "note": null\n}'
    assert [(answer.status, answer.content and answer.content.example) for answer in operation.answers] == [("201", '{\n  "id": "1"\n}')]
    assert [(refusal.status, refusal.title) for refusal in operation.refusals] == [("409", "Not possible right now")]
    assert (operation.permission, operation.roles, operation.limit) == ("core.health.view", ("admin",), "60/minute")


async def test_the_pages_show_every_operation_in_the_readers_language(client: httpx.AsyncClient) -> None:
    groups = api_reference.shape((await client.get("/api/openapi.json")).json())
    for locale, word in (("en", "Refusals"), ("de", "Ablehnungen")):
        headers = {"Accept": "text/html", "Accept-Language": locale}
        index = (await client.get("/docs/api", headers=headers)).text
        for group in groups:
            page = await client.get(f"/docs/api/{group.anchor}", headers=headers)
            assert page.status_code == 200
            assert page.text.count('<details class="surface api-operation"') == len(group.operations)
            assert word in page.text
            assert 'style="' not in page.text
            for operation in group.operations:
                assert f'href="/docs/api/{group.anchor}#{operation.anchor}"' in index
                assert f'id="{operation.anchor}"' in page.text
    assert (await client.get("/docs/api/no-such-group")).status_code == 404
