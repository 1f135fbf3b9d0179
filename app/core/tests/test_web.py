"""The gate and the problem answers: cross-site, sizes, shapes, deadlines, a starved pool (reliability.md, cases 27, 36, 41)."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.core.config import Settings
from app.core.errors import Invalid, Limited, Unavailable
from app.core.testing import application
from app.core.tests.probe import PROBE, bearer
from app.core.web import problems
from app.core.web.middleware import MAX_BODY_BYTES, Gate

NOTES = "/api/v1/store/probe/notes"
NotesOf = Callable[[uuid.UUID], Awaitable[list[Any]]]


def bare(probe: Gate, **headers: str) -> httpx.AsyncClient:
    """Return a client without a browser's headers."""
    transport = httpx.ASGITransport(app=probe, client=("127.0.0.1", 50_000))
    return httpx.AsyncClient(transport=transport, base_url=application.BASE_URL, headers=headers)


async def post(probe: Gate, merchant_id: uuid.UUID, headers: dict[str, str], content: bytes = b'{"text": "x"}') -> httpx.Response:
    sent = bearer(merchant_id) | {"Idempotency-Key": application.new_key(), "Content-Type": "application/json"} | headers
    async with bare(probe) as client:
        return await client.post(NOTES, content=content, headers=sent)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),  # a script with a key and no cookie
        ({"Sec-Fetch-Site": "same-origin", "Cookie": "orion_session=x"}, 201),
        ({"Origin": "http://testserver", "Cookie": "orion_session=x"}, 201),  # an old browser
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),  # a sibling subdomain
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://shop.testserver", "Cookie": "orion_session=x"}, 403),
        ({"Origin": "https://testserver"}, 403),
        ({"Origin": "null"}, 403),
        ({"Cookie": "orion_session=x"}, 403),
        ({"Content-Type": "text/plain"}, 403),
        ({"Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Content-Type": "application/json; charset=utf-8", "Sec-Fetch-Site": "same-origin"}, 201),
    ],
)
async def test_changes_come_from_our_own_pages(probe: Gate, notes_of: NotesOf, headers: dict[str, str], status: int) -> None:
    merchant_id = uuid.uuid4()
    answer = await post(probe, merchant_id, headers)
    assert answer.status_code == status
    assert await notes_of(merchant_id) == (["x"] if status == 201 else [])
    if status == 403:
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["code"], answer.json()["status"]) == ("forbidden", 403)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_every_unsafe_method_is_guarded(probe: Gate, method: str) -> None:
    async with bare(probe) as client:
        assert (await client.request(method, NOTES, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403


async def test_reading_needs_no_origin(probe: Gate) -> None:
    async with bare(probe) as client:
        answer = await client.get(NOTES, headers=bearer(uuid.uuid4()) | {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200


async def test_declared_and_undeclared_oversize_bodies_are_413(probe: Gate) -> None:
    large = b'{"text": "' + b"x" * MAX_BODY_BYTES + b'"}'
    declared = await post(probe, uuid.uuid4(), {}, large)

    async def in_pieces() -> Any:
        for start in range(0, len(large), 10_000):
            yield large[start : start + 10_000]

    sent = bearer(uuid.uuid4()) | {"Idempotency-Key": application.new_key(), "Content-Type": "application/json"}
    async with bare(probe) as client:
        undeclared = await client.post(NOTES, content=in_pieces(), headers=sent)
    assert [(answer.status_code, answer.json()["code"]) for answer in (declared, undeclared)] == [(413, "too_large")] * 2


def nested(depth: int) -> bytes:
    return b'{"text": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("content", "statuses"),
    [
        (nested(100_000), {400}),
        (nested(900), {400, 422}),
        (b"", {422}),
        (b"{", {400}),
        (b"\xff\xfe", {400}),
        (b"null", {422}),
        (b"[]", {422}),
        (b'{"text": "a\\u0000b"}', {422}),
        (b'{"text": "\\ud800"}', {422, 400}),
        (b'{"text": "a\\u0007"}', {422}),
        (b'{"text": "x", "amount": 1e400}', {400, 422}),
        (b'{"text": "x", "amount": 2147483648}', {422}),
        (b'{"text": "x", "amount": 9223372036854775808}', {422}),
        (b'{"text": "x", "amount": -1}', {422}),
        (b'{"text": "x", "amount": 1.0}', {422}),
        (b'{"text": "x", "amount": "1"}', {422}),
        (b'{"text": "x", "amount": true}', {422}),
        (b'{"text": "x", "amount": NaN}', {400, 422}),
        (b'{"text": "x", "amount": ' + b"9" * 10_000 + b"}", {400, 422}),
        (b'{"text": "x", "merchant_id": "1"}', {422}),
        (b'{"text": "x", "role": "admin"}', {422}),
    ],
)
async def test_no_body_is_our_fault(probe: Gate, notes_of: NotesOf, content: bytes, statuses: set[int]) -> None:
    merchant_id = uuid.uuid4()
    answer = await post(probe, merchant_id, {}, content)
    assert answer.status_code in statuses
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in ("bad_request", "invalid")
    assert await notes_of(merchant_id) == []


async def test_a_problem_speaks_the_callers_language_and_names_the_fields(probe: Gate) -> None:
    answer = await post(probe, uuid.uuid4(), {"Accept-Language": "fr-LU, fr;q=0.9"}, json.dumps({"amount": 0}).encode())
    body = answer.json()
    assert body["request_id"] == answer.headers["x-request-id"]
    assert {item["field"] for item in body["errors"]} == {"text", "amount"}
    english = (await post(probe, uuid.uuid4(), {}, b'{"amount": 0}')).json()
    assert (body["code"], english["code"]) == ("invalid", "invalid")


@pytest.mark.parametrize(("path", "kept"), [("refused", []), ("remembered", ["remembered"]), ("swallowed", []), ("broken", [])])
async def test_what_a_refusal_leaves_behind(caller: httpx.AsyncClient, notes_of: NotesOf, path: str, kept: list[str]) -> None:
    merchant_id = uuid.uuid4()
    answer = await caller.post(f"/api/v1/store/probe/{path}", headers=bearer(merchant_id))
    assert answer.status_code == {"refused": 409, "remembered": 409, "swallowed": 500, "broken": 500}[path]
    assert answer.headers["content-type"] == "application/problem+json"
    assert "anna@" not in answer.text
    assert await notes_of(merchant_id) == kept


async def test_who_may_do_what(caller: httpx.AsyncClient) -> None:
    merchant_id, key = uuid.uuid4(), {"Idempotency-Key": application.new_key()}
    statuses = [
        (await caller.post(NOTES, json={"text": "x"}, headers=key | sent)).status_code
        for sent in ({}, bearer(merchant_id, "customer"), bearer(merchant_id, "public"), bearer(merchant_id, "owner"))
    ]
    assert statuses == [401, 403, 403, 201]


async def test_unknown_addresses_and_methods_are_problems(caller: httpx.AsyncClient) -> None:
    unknown, wrong = await caller.get("/api/v1/nowhere"), await caller.delete(NOTES)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["title"]) == (405, "Not allowed")


async def test_a_request_beyond_its_deadline_is_503_and_leaves_no_trace(settings: Settings, notes_of: NotesOf) -> None:
    merchant_id = uuid.uuid4()
    hasty = settings.model_copy(update={"request_deadline_seconds": 0.3})
    async with application.running_routes(hasty, PROBE) as gate, application.make_client(gate) as client:
        sent = bearer(merchant_id) | {"Idempotency-Key": application.new_key()}
        answer = await client.post("/api/v1/store/probe/slow-notes", json={"text": "late", "amount": 30}, headers=sent)
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")
        assert (await client.get(NOTES, headers=bearer(merchant_id))).json() == {"notes": 0}
    assert await notes_of(merchant_id) == []


async def test_a_starved_pool_is_503_and_never_500(caller: httpx.AsyncClient) -> None:
    merchant_id = uuid.uuid4()
    slow = [caller.get("/api/v1/store/probe/sleep/300", headers=bearer(merchant_id)) for _ in range(120)]
    alive = caller.get("/livez")
    *answers, living = await asyncio.gather(*slow, alive)
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert living.status_code == 200
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)
    assert (await caller.get(NOTES, headers=bearer(merchant_id))).status_code == 200


async def test_every_answer_carries_the_security_headers(caller: httpx.AsyncClient) -> None:
    for answer in [await caller.get("/livez"), await caller.get("/api/v1/nowhere"), await caller.post(NOTES, content=b"x" * 10)]:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_kinds_become_problems() -> None:
    limited, busy = problems.build("r", Limited(7)), problems.build("r", Unavailable(3))
    assert (limited.status, limited.code, limited.params) == (429, "rate_limited", {"retry_after": 7})
    assert "7" in limited.detail
    assert busy.status == 503
    assert problems.build("r", Invalid({"email": "Please fill in this field."})).errors[0].field == "email"
