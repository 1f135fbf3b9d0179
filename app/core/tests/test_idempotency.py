"""Idempotent requests: one effect per key, whatever the weather (reliability.md, cases 1 and 2)."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.core.config import Settings
from app.core.idempotency import fingerprint
from app.core.testing import application
from app.core.tests.probe import PROBE, bearer

NOTES = "/api/v1/store/probe/notes"
SLOW = "/api/v1/store/probe/slow-notes"
NotesOf = Callable[[uuid.UUID], Awaitable[list[Any]]]


def headers(merchant_id: uuid.UUID, key: str | None, role: str = "staff") -> dict[str, str]:
    return bearer(merchant_id, role) | ({"Idempotency-Key": key} if key is not None else {})


async def test_a_repeat_gets_the_first_answer(caller: httpx.AsyncClient, notes_of: NotesOf, new_key: Callable[[], str]) -> None:
    merchant_id, key = uuid.uuid4(), new_key()
    first = await caller.post(NOTES, json={"text": "one"}, headers=headers(merchant_id, key))
    again = await caller.post(NOTES, json={"text": "one"}, headers=headers(merchant_id, key))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await notes_of(merchant_id) == ["one"]


@pytest.mark.parametrize("round_number", range(20))
async def test_twenty_rivals_with_one_key_have_one_effect(
    caller: httpx.AsyncClient, notes_of: NotesOf, new_key: Callable[[], str], round_number: int
) -> None:
    merchant_id, key = uuid.uuid4(), new_key()
    answers = await asyncio.gather(
        *(caller.post(NOTES, json={"text": "rival"}, headers=headers(merchant_id, key)) for _ in range(20)), return_exceptions=False
    )
    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    assert await notes_of(merchant_id) == ["rival"]


async def test_the_same_key_for_something_else_is_refused(caller: httpx.AsyncClient, notes_of: NotesOf, new_key: Callable[[], str]) -> None:
    merchant_id, key = uuid.uuid4(), new_key()
    await caller.post(NOTES, json={"text": "one"}, headers=headers(merchant_id, key))
    other_body = await caller.post(NOTES, json={"text": "two"}, headers=headers(merchant_id, key))
    other_route = await caller.post(SLOW, json={"text": "one"}, headers=headers(merchant_id, key))
    assert [(answer.status_code, answer.json()["code"]) for answer in (other_body, other_route)] == [(422, "idempotency_key_reused")] * 2
    assert await notes_of(merchant_id) == ["one"]


async def test_tenants_keys_are_independent(caller: httpx.AsyncClient, notes_of: NotesOf, new_key: Callable[[], str]) -> None:
    one, other, key = uuid.uuid4(), uuid.uuid4(), new_key()
    answers = [await caller.post(NOTES, json={"text": "mine"}, headers=headers(merchant, key)) for merchant in (one, other)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert (await notes_of(one), await notes_of(other)) == (["mine"], ["mine"])


@pytest.mark.parametrize("key", [None, "", "short", "k" * 256, "with space in the middle", "ümlauts-and-more-ümlauts"])
async def test_a_missing_or_malformed_key_is_400(caller: httpx.AsyncClient, notes_of: NotesOf, key: str | None) -> None:
    merchant_id = uuid.uuid4()
    sent = [(name.encode(), value.encode()) for name, value in headers(merchant_id, key).items()]
    answer = await caller.post(NOTES, json={"text": "x"}, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert await notes_of(merchant_id) == []


async def test_a_request_still_running_is_409_with_the_seconds_to_wait(
    caller: httpx.AsyncClient, notes_of: NotesOf, new_key: Callable[[], str]
) -> None:
    merchant_id, key = uuid.uuid4(), new_key()
    request: dict[str, Any] = {"json": {"text": "slow", "amount": 10}, "headers": headers(merchant_id, key)}
    refused, first = sorted(
        await asyncio.gather(*(caller.post(SLOW, **request) for _ in range(2))), key=lambda answer: answer.status_code, reverse=True
    )
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (409, "still_running", "1")
    again = await caller.post(SLOW, **request)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert await notes_of(merchant_id) == ["slow"]


async def test_refusals_are_not_stored(caller: httpx.AsyncClient, notes_of: NotesOf, new_key: Callable[[], str]) -> None:
    merchant_id, key = uuid.uuid4(), new_key()
    wrong = await caller.post(NOTES, json={"text": ""}, headers=headers(merchant_id, key))
    right = await caller.post(NOTES, json={"text": "now"}, headers=headers(merchant_id, key))
    assert (wrong.status_code, right.status_code) == (422, 201)
    assert await notes_of(merchant_id) == ["now"]


async def test_rights_are_checked_before_a_replay(caller: httpx.AsyncClient, new_key: Callable[[], str]) -> None:
    merchant_id, key = uuid.uuid4(), new_key()
    await caller.post(NOTES, json={"text": "secret"}, headers=headers(merchant_id, key))
    answer = await caller.post(NOTES, json={"text": "secret"}, headers=headers(merchant_id, key, role="customer"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "secret" not in answer.text


async def test_a_key_works_across_processes(settings: Settings, notes_of: NotesOf, new_key: Callable[[], str]) -> None:
    merchant_id, key = uuid.uuid4(), new_key()
    answers = []
    for _ in range(2):
        async with application.running_routes(settings, PROBE) as gate, application.make_client(gate) as client:
            answers.append(await client.post(NOTES, json={"text": "one"}, headers=headers(merchant_id, key)))
    assert answers[0].content == answers[1].content
    assert await notes_of(merchant_id) == ["one"]


def test_a_fingerprint_knows_where_its_parts_end() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint("a", b"\xff") == fingerprint(b"a", b"\xff")
    assert len(fingerprint("\ud800")) == 32
