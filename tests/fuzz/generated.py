"""Generated requests: what the API's own description allows, and what it forbids, sent as each kind of caller."""

import asyncio
import dataclasses
import functools
import json
import random
from typing import Any
from urllib.parse import urlencode

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.security.routes import all_routes

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NOT_SENDABLE = frozenset({"content-length", "transfer-encoding", "host", "connection"})


@functools.cache
def schema() -> Any:
    """Return the API's description, as schemathesis reads it."""
    _, description = all_routes()
    return schemathesis.openapi.from_dict(description)


@functools.cache
def operations() -> dict[str, Any]:
    """Return every operation of the API by "METHOD /path"."""
    found = (item.ok() for item in schema().get_all_operations())
    return {f"{item.method.upper()} {item.path}": item for item in found if item.path.startswith("/api/")}


def takes_input(name: str) -> bool:
    """Whether the operation `name` has a parameter or a body: without, there is nothing to generate."""
    method, path = name.split(" ")
    operation = all_routes()[1]["paths"][path][method.lower()]
    return bool(operation.get("parameters") or operation.get("requestBody"))


@dataclasses.dataclass(slots=True)
class Tally:
    """What was sent and answered."""

    cases: int = 0
    statuses: dict[int, int] = dataclasses.field(default_factory=dict)
    problems: dict[str, str] = dataclasses.field(default_factory=dict)

    def note(self, status: int) -> None:
        """Count an answer."""
        self.cases += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1


class Fuzzer:
    """Sends generated requests from a thread, while the application lives in the loop of the test."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient, source: random.Random, tally: Tally) -> None:
        self._loop, self._client, self._source, self._tally = loop, client, source, tally

    def run(self, name: str, *, cases: int, cookies: dict[str, str], ids: dict[str, str]) -> None:
        """Send `cases` requests of the operation `name` as the caller with `cookies`; half of them with `ids` that exist."""
        operation = operations()[name]
        modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
        generated = modes.flatmap(lambda mode: operation.as_strategy(generation_mode=mode))

        @seed(self._source.getrandbits(64))
        @settings(
            max_examples=cases, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False, print_blob=False,
        )  # fmt: skip
        @given(case=generated, is_real=st.booleans())
        def send(case: "Case[Any]", is_real: bool) -> None:
            if is_real:
                fill(case, ids)
            answer = self._send(case, cookies)
            self._tally.note(answer.status_code)
            try:
                case.validate_response(answer, checks=CHECKS)
            except FailureGroup as group:
                for failure in group.exceptions:
                    self._tally.problems.setdefault(f"{name}: {failure.title} {answer.status_code}", describe(case, answer, failure))

        send()

    def _send(self, case: "Case[Any]", cookies: dict[str, str]) -> httpx.Response:
        arguments = case.as_transport_kwargs(base_url="http://testserver")
        headers = {
            name: value
            for name, value in (arguments.get("headers") or {}).items()
            if name.lower() not in NOT_SENDABLE and isinstance(value, str)
        }
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        query = urlencode(arguments.get("params") or {}, doseq=True, errors="surrogatepass")
        request = self._client.build_request(
            arguments["method"],
            arguments["url"] + ("?" + query if query else ""),
            headers={name: value.encode("utf-8", "surrogatepass") for name, value in headers.items()},
            content=body_of(arguments),
        )
        return asyncio.run_coroutine_threadsafe(self._client.send(request), self._loop).result(timeout=30)


def body_of(arguments: dict[str, Any]) -> bytes | None:
    """Return the bytes of a generated body."""
    if "json" in arguments:
        return json.dumps(arguments["json"]).encode()
    data = arguments.get("data")
    if data is None or isinstance(data, bytes):
        return data
    return (data if isinstance(data, str) else json.dumps(data)).encode("utf-8", "surrogatepass")


def fill(case: "Case[Any]", ids: dict[str, str]) -> None:
    """Put ids that exist in the place of generated ones."""
    for place in (case.path_parameters, case.body):
        if isinstance(place, dict):
            place.update({name: ids[name] for name in place if name in ids})


def describe(case: "Case[Any]", answer: httpx.Response, failure: BaseException) -> str:
    """Return what was sent and what came back, short."""
    return f"{failure}\n  sent {case.method} {answer.request.url} {answer.request.content[:300]!r}\n  got {answer.text[:300]}"
