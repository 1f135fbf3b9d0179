"""Inputs that break programs, in every place of every route (reliability.md, promise 8).

Each field of each body, each parameter and the headers, one at a time: NUL, lone surrogates, numbers at the borders of what a
database holds, wrong types, deep nesting, repeated names, oversize.
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from app.core.web.middleware import MAX_BODY_BYTES
from tests.fuzz.conftest import Callers
from tests.security.routes import PATH_NAMES, ApiRoute, all_routes, api_routes

pytestmark = pytest.mark.slow

RAW_VALUES = (
    b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xed\xa0\x80"', b'"\xff\xfe"', b'"\\u202e"', b'"\\u0007"',
    b"2147483647", b"2147483648", b"9223372036854775807", b"9223372036854775808", b"-1", b"-2147483649", b"-9223372036854775809",
    b"1e400", b"-1e400", b"NaN", b"Infinity", b"0.1", b"1e-400", b"9" * 5_000, b'""', b'" "', b"null", b"true", b"[]", b"{}", b'[[["x"]]]',
    b'"' + b"x" * 20_000 + b'"', b'"' + "𝔘".encode() * 300 + b'"', b'"0001-01-01"', b'"9999-12-31T23:59:59+00:00"',
    b'"00000000-0000-0000-0000-000000000000"', b'"a@b@c"', b'"%s%n"', b"[" * 3_000 + b"]" * 3_000,
)  # fmt: skip
TEXT_VALUES = ("\x00", "\ud800", "-1", str(2**31), str(2**63), str(2**64), "NaN", "x" * 5_000, "", "%", "../..", "٣", "eyJ", "A" * 40)
BODIES = (
    b"", b"\x00", b"null", b"[]", b"0", b'"x"', b"{", b"{}", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * 20_000,
    b'{"":null}', b'{"\\ud800":1}', b'{"a":1,"a":2}', b"{}{}", b"-", b"NaN", b" " * 1_000,
)  # fmt: skip
HEADERS = (
    {"Idempotency-Key": "short"}, {"Idempotency-Key": "x" * 256}, {"Idempotency-Key": "sixteen chars \x7f\x01"},
    {"Accept-Language": "\xff;q=9,,*;q=x"},
    {"Accept-Language": "de-" * 2_000}, {"Content-Type": "text/html"}, {"Content-Type": "application/json; charset=\xff"},
    {"Content-Length": "-1"}, {"Content-Length": "9" * 30}, {"Authorization": "Bearer \xff"}, {"Authorization": "Bearer " + "x" * 9_000},
    {"Cookie": "orion_session=\xff; orion_terminal=" + "x" * 4_000}, {"Cookie": "=;;=; a"}, {"Accept": "\x00"},
    {"X-Forwarded-For": "\xff, ,::ffff:1"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {"Range": "bytes=9-1"},
)  # fmt: skip


def documented_for(route: ApiRoute) -> set[str]:
    """Return the statuses that a route's description names."""
    _, schema = all_routes()
    return set(schema["paths"][route.path][route.method.lower()]["responses"])


def query_names(route: ApiRoute) -> list[str]:
    """Return the names of a route's query parameters."""
    _, schema = all_routes()
    parameters = schema["paths"][route.path][route.method.lower()].get("parameters", [])
    return [item["name"] for item in parameters if item["in"] == "query"]


def field_names(route: ApiRoute) -> list[str]:
    """Return the names of the fields that a route's body knows."""
    _, schema = all_routes()
    operation = schema["paths"][route.path][route.method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    found = schema["components"]["schemas"].get(content.get("$ref", "").rpartition("/")[2], content)
    return list(found.get("properties", {}))


Request = tuple[str, bytes | None, dict[str, str]]


def hostile_requests(route: ApiRoute, ids: dict[str, str]) -> Iterator[Request]:
    """Yield address, body and headers of everything that is tried on a route."""
    good = None if route.body is None else route.body_with(ids) or {}
    encoded = None if good is None else json.dumps(good).encode()
    if good is not None:
        for name, value in itertools.product(field_names(route), RAW_VALUES):
            others = {other: json.dumps(kept).encode() for other, kept in good.items() if other != name}
            fields = [*others.items(), (name, value)]
            yield route.url(ids), b"{" + b",".join(json.dumps(each).encode() + b":" + raw for each, raw in fields) + b"}", {}
        for body in (*BODIES, b'"' + b"x" * MAX_BODY_BYTES + b'"'):
            yield route.url(ids), body, {}
    in_path = dict.fromkeys(PATH_NAMES.findall(route.path), "en") | ids
    for name, text in itertools.product(PATH_NAMES.findall(route.path), (*TEXT_VALUES, "a/b", "%2e%2e")):
        yield route.url(in_path | {name: escape(text)}).partition("?")[0], encoded, {}
    for name, text in itertools.product(query_names(route), TEXT_VALUES):
        yield f"{route.url(ids).partition('?')[0]}?{name}={escape(text)}&{name}={escape(text)}", encoded, {}
    for headers in HEADERS:
        yield route.url(ids), encoded, dict(headers)


def escape(value: str) -> str:
    """Return `value` for a URL, lone surrogates included."""
    return quote(value, safe="", errors="surrogatepass")


@pytest.mark.parametrize("route", [pytest.param(route, id=route.name) for route in api_routes()])
async def test_hostile_input_is_refused_in_order(callers: Callers, route: ApiRoute) -> None:
    cookies, ids = await callers.of(route.access.face)
    known = documented_for(route)
    wrong = []
    for number, (url, body, headers) in enumerate(hostile_requests(route, ids)):
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        sent: dict[str, str] = {"Cookie": cookie, "Idempotency-Key": f"hostile-request-{number:06d}", "Content-Type": "application/json"}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in (sent | headers).items()]
        request = callers.client.build_request(route.method, url, content=body, headers=httpx.Headers(raw))
        answer = await callers.client.send(request)
        expected = known if is_same_path(route, url) else known | {"404", "405"}
        if "Content-Length" in headers:  # refused before anything looks at the route
            expected = {"400", "413"}
        if answer.status_code >= 500 or str(answer.status_code) not in expected:
            wrong.append(describe(request, body, headers, answer))
    assert wrong == [], f"{len(wrong)} wrong answers:\n" + "\n".join(wrong[:8])


def is_same_path(route: ApiRoute, url: str) -> bool:
    """Whether a changed address still names the route: a slash in a parameter names another."""
    return re.fullmatch(PATH_NAMES.sub("[^/]+", route.path), url.partition("?")[0]) is not None


def describe(request: httpx.Request, body: bytes | None, headers: dict[str, Any], answer: httpx.Response) -> str:
    """Return what was sent and what came back, short."""
    return f"{request.method} {request.url} {headers} {(body or b'')[:200]!r} -> {answer.status_code} {answer.text[:200]}"
