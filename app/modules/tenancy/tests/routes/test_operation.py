"""Core's routes for running the platform, which need tenancy to know who is an admin: who may call them, and what they do."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from app.core import clock
from app.core.db import heartbeats, state
from app.core.db.engine import Database, raw_connection
from app.core.outbox import admin as outbox_admin
from app.core.testing.application import new_key
from app.modules.tenancy.tests.factories import (
    customer_cookie,
    make_admin,
    make_api_key,
    make_customer_session,
    make_merchant,
    make_terminal_session,
    sign_in_cookie,
    terminal_cookie,
)

ROOT = "/api/v1/admin/operation"
ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", f"{ROOT}/health", None),
    ("GET", f"{ROOT}/alerts", None),
    ("GET", f"{ROOT}/dead", None),
    ("POST", f"{ROOT}/dead/{{id}}/retry", None),
    ("POST", f"{ROOT}/dead/retry", {"task": "test.gave_up"}),
    ("GET", f"{ROOT}/jobs", None),
    ("POST", f"{ROOT}/jobs/core.forget_answers/run", {"merchant_id": None}),
]
INSERT_DEAD = """
INSERT INTO core_outbox (id, merchant_id, task, payload, created_at, available_at, attempts, deaths, dead_at, error)
VALUES ($1, $2, $3, '{"mail_id": "0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f"}', $4, $4, 14, 1, $5, 'mail_refused')
"""


async def add_dead(superuser: asyncpg.Connection, merchant_id: uuid.UUID, *, task: str = "test.gave_up", dead_at: Any = None) -> uuid.UUID:
    """A message of the merchant that gave up."""
    message_id, now = uuid.uuid4(), clock.now()
    await superuser.execute(INSERT_DEAD, message_id, merchant_id, task, now - dt.timedelta(hours=2), dead_at or now)
    return message_id


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_only_an_admin_with_the_second_factor_gets_in(
    database: Database, make_client: Callable[..., httpx.AsyncClient], superuser: asyncpg.Connection, method: str, path: str, body: Any
) -> None:
    merchant, waiting = await make_merchant(database), await make_admin(database)
    message_id = await add_dead(superuser, merchant.id)
    address = path.format(id=message_id)
    terminal = await make_terminal_session(database, merchant, uuid.uuid4())
    customer = await make_customer_session(database, merchant, uuid.uuid4())
    await superuser.execute("UPDATE tenancy_sessions SET second_factor_at = NULL WHERE id = $1", waiting.session_id)
    key = await make_api_key(database, merchant, merchant.owner)
    callers: list[tuple[dict[str, str], dict[str, str], int, str]] = [
        ({}, {}, 401, "unauthenticated"),
        ({}, {"Authorization": f"Bearer {key}"}, 401, "unauthenticated"),
        (terminal_cookie(terminal.token), {}, 401, "unauthenticated"),
        (customer_cookie(customer), {}, 401, "unauthenticated"),
        (sign_in_cookie(waiting), {}, 401, "totp_required"),
        *((sign_in_cookie(merchant.user(role)), {}, 403, "forbidden") for role in ("owner", "manager", "staff")),
    ]
    for cookies, headers, status, code in callers:
        browser = make_client()
        browser.cookies.update(cookies)
        answer = await browser.request(method, address, json=body, headers={"Idempotency-Key": new_key()} | headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await superuser.fetchval("SELECT dead_at FROM core_outbox WHERE id = $1", message_id) is not None


async def test_health_says_what_lives_what_waits_and_how_far_the_database_is(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    now, names = clock.now(), [f"{kind}:{uuid.uuid4().hex}:1" for kind in ("relay", "worker", "beat")]
    await superuser.execute("DELETE FROM core_heartbeats WHERE kind <> 'web'")
    signs = zip(names, ("relay", "worker", "beat"), (5, 70, 30), strict=True)
    for name, kind, age in signs:
        await superuser.execute(heartbeats.BEAT, name, kind, now - dt.timedelta(seconds=age))
    health = (await client.get(f"{ROOT}/health")).json()
    lives = {process["name"]: process["is_alive"] for process in health["processes"]}
    assert [lives[name] for name in names] == [True, False, True]
    assert "worker" in health["missing"]
    assert not {"relay", "beat"} & set(health["missing"])
    assert health["is_well"] is False
    found = health["database"]
    assert found["is_migrated"] is True
    assert found["versions"] == found["expected_versions"]
    assert {"core", "tenancy"} <= {version.rpartition("_")[0] for version in found["versions"]}
    assert found["version"] == await superuser.fetchval("SELECT current_setting('server_version')")
    assert 0 < found["connections"] <= found["max_connections"]
    assert found["size_bytes"] > 1_000_000
    await superuser.execute("DELETE FROM core_heartbeats WHERE process = ANY($1)", names)


async def test_health_counts_what_is_due_and_how_long_the_oldest_waits(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    merchant = await make_merchant(database)
    before = (await client.get(f"{ROOT}/health")).json()
    due_id, dead_id = uuid.uuid4(), await add_dead(superuser, merchant.id)
    await superuser.execute(INSERT_DEAD, due_id, merchant.id, "test.waits", clock.now() - dt.timedelta(days=1000), None)
    after = (await client.get(f"{ROOT}/health")).json()
    await superuser.execute("DELETE FROM core_outbox WHERE id = ANY($1)", [due_id, dead_id])
    assert (after["due"], after["dead"]) == (before["due"] + 1, before["dead"] + 1)
    assert 1000 <= dt.timedelta(seconds=after["oldest_due_seconds"]) / dt.timedelta(days=1) < 1001


async def test_dead_tasks_are_listed_latest_first_page_by_page_without_their_payload(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    merchant, soon = await make_merchant(database), clock.now() + dt.timedelta(days=3650)
    ids = [await add_dead(superuser, merchant.id, dead_at=soon - dt.timedelta(seconds=number)) for number in range(3)]
    first = (await client.get(f"{ROOT}/dead", params={"limit": 2})).json()
    second = (await client.get(f"{ROOT}/dead", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    rows = first["items"] + second["items"]
    assert [row["id"] for row in rows[:3]] == [str(message_id) for message_id in ids]
    assert rows[0] == {
        "id": str(ids[0]),
        "merchant_id": str(merchant.id),
        "task": "test.gave_up",
        "attempts": 14,
        "deaths": 1,
        "reason": "mail_refused",
        "created_at": rows[0]["created_at"],
        "dead_at": soon.isoformat().replace("+00:00", "Z"),
    }
    assert "mail_id" not in str(first)
    await superuser.execute("DELETE FROM core_outbox WHERE id = ANY($1)", ids)


@pytest.mark.parametrize(
    ("parameters", "status"), [({"limit": 0}, 422), ({"limit": 101}, 422), ({"cursor": "AAAA"}, 400), ({"cursor": "ä"}, 422)]
)
async def test_odd_parameters_are_refused(
    database: Database, client: httpx.AsyncClient, parameters: dict[str, str | int], status: int
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    assert (await client.get(f"{ROOT}/dead", params=parameters)).status_code == status


async def test_a_retry_makes_the_task_due_again_once_and_is_audited(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection, worker_once: Any
) -> None:
    admin, merchant = await make_admin(database), await make_merchant(database)
    client.cookies.update(sign_in_cookie(admin))
    message_id = await add_dead(superuser, merchant.id)
    before = clock.now()
    answer = await client.post(f"{ROOT}/dead/{message_id}/retry")
    assert (answer.status_code, answer.content) == (204, b"")
    [row] = await superuser.fetch("SELECT * FROM core_outbox WHERE id = $1", message_id)
    assert (row["dead_at"], row["error"], row["attempts"], row["deaths"], row["lease_until"]) == (None, None, 0, 0, None)
    assert before <= row["available_at"] <= clock.now()
    ran: list[uuid.UUID] = []

    async def note(_ctx: Any, *, mail_id: uuid.UUID) -> None:
        ran.append(mail_id)

    assert await worker_once(merchant_id=merchant.id, handlers={"test.gave_up": note}) == ["done"]
    assert ran == [uuid.UUID("0199f1a0-7c22-7d41-9e11-3a4b5c6d7e8f")]
    again = await client.post(f"{ROOT}/dead/{message_id}/retry")
    assert (again.status_code, again.json()["code"]) == (404, "dead_message_not_found")
    entries = await superuser.fetch("SELECT * FROM core_audit_log WHERE target_id = $1", message_id)
    assert [(entry["action"], entry["actor_id"], entry["merchant_id"], entry["details"]) for entry in entries] == [
        ("core.outbox.retried", admin.id, merchant.id, {"task": "test.gave_up"})
    ]


async def test_a_message_that_is_not_dead_cannot_be_retried(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    merchant = await make_merchant(database)
    waiting = uuid.uuid4()
    await superuser.execute(INSERT_DEAD, waiting, merchant.id, "test.waits", clock.now(), None)
    for message_id in (waiting, uuid.uuid4()):
        answer = await client.post(f"{ROOT}/dead/{message_id}/retry")
        assert (answer.status_code, answer.json()["code"]) == (404, "dead_message_not_found")
    assert await superuser.fetchval("SELECT attempts FROM core_outbox WHERE id = $1", waiting) == 14
    await superuser.execute("DELETE FROM core_outbox WHERE id = $1", waiting)


async def test_the_database_state_is_read_as_the_platform(database: Database) -> None:
    async with raw_connection(database.platform) as conn:
        assert (await state.read_database(conn)).migrations.is_at_head


async def test_all_of_a_task_are_tried_again_and_no_other(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, merchant = await make_admin(database), await make_merchant(database)
    client.cookies.update(sign_in_cookie(admin))
    task, other = f"test.t{uuid.uuid4().hex}".translate(LETTERS), f"test.t{uuid.uuid4().hex}".translate(LETTERS)
    ids = [await add_dead(superuser, merchant.id, task=task) for _ in range(5)]
    kept = await add_dead(superuser, merchant.id, task=other)
    monkeypatch.setattr(outbox_admin, "MOST_RETRIED", 3)
    answers = [(await client.post(f"{ROOT}/dead/retry", json={"task": task})).json() for _ in range(3)]
    assert answers == [{"retried": 3}, {"retried": 2}, {"retried": 0}]
    states = "SELECT dead_at IS NULL AND attempts = 0 AND error IS NULL FROM core_outbox WHERE id = ANY($1)"
    assert {row[0] for row in await superuser.fetch(states, ids)} == {True}
    assert await superuser.fetchval("SELECT dead_at IS NOT NULL FROM core_outbox WHERE id = $1", kept)
    entries = await superuser.fetch("SELECT details FROM core_audit_log WHERE actor_id = $1 ORDER BY at", admin.id)
    assert [entry["details"] for entry in entries] == [{"task": task, "messages": 3}, {"task": task, "messages": 2}]
    assert (await client.post(f"{ROOT}/dead/retry", json={"task": "'; DROP"})).status_code == 422
    await superuser.execute("DELETE FROM core_outbox WHERE id = ANY($1)", [*ids, kept])


LETTERS = str.maketrans("0123456789", "ghijklmnop")
WRITTEN = "SELECT merchant_id FROM core_outbox WHERE task = $1 AND created_at >= $2"


async def test_a_task_is_run_now_once_per_key(database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection) -> None:
    admin, before = await make_admin(database), clock.now()
    client.cookies.update(sign_in_cookie(admin))
    key, task = new_key(), "core.forget_addresses"

    async def run(**headers: str) -> httpx.Response:
        return await client.post(f"{ROOT}/jobs/{task}/run", json={"merchant_id": None}, headers=headers)

    answers = await asyncio.gather(*(run(**{"Idempotency-Key": key}) for _ in range(5)))
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"started": 1})] * 5
    assert len(await superuser.fetch(WRITTEN, task, before)) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    await run(**{"Idempotency-Key": new_key()})
    assert len(await superuser.fetch(WRITTEN, task, before)) == 2
    assert (await run()).status_code == 400
    entries = await superuser.fetch("SELECT action, details FROM core_audit_log WHERE actor_id = $1", admin.id)
    assert [tuple(entry) for entry in entries] == [("core.job.started", {"task": task, "runs": 1})] * 2
    await superuser.execute("DELETE FROM core_outbox WHERE task = $1 AND created_at >= $2", task, before)


async def test_a_merchants_task_is_run_for_one_or_for_all(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)))
    merchants, suspended = [await make_merchant(database) for _ in range(2)], await make_merchant(database, status="suspended")
    task, before = "loyalty.expire_points", clock.now()
    await superuser.execute("DELETE FROM core_outbox WHERE task = $1", task)  # those of tests that moved the clock are later

    async def run(name: str, merchant_id: uuid.UUID | None) -> httpx.Response:
        body = {"merchant_id": None if merchant_id is None else str(merchant_id)}
        return await client.post(f"{ROOT}/jobs/{name}/run", json=body, headers={"Idempotency-Key": new_key()})

    assert (await run(task, merchants[0].id)).json() == {"started": 1}
    assert [row["merchant_id"] for row in await superuser.fetch(WRITTEN, task, before)] == [merchants[0].id]
    for name, merchant_id, code in (
        (task, suspended.id, "merchant_not_found"),
        (task, uuid.uuid4(), "merchant_not_found"),
        ("core.forget_answers", merchants[0].id, "merchant_not_found"),
        ("core.nobody_knows", None, "task_not_found"),
    ):
        answer = await run(name, merchant_id)
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    await superuser.execute("DELETE FROM core_outbox WHERE task = $1 AND created_at >= $2", task, before)
    everybody = (await run(task, None)).json()["started"]
    written = [row["merchant_id"] for row in await superuser.fetch(WRITTEN, task, before)]
    assert everybody == len(written) == len(set(written)) >= 2
    assert {merchant.id for merchant in merchants} <= set(written)
    assert suspended.id not in written
    await superuser.execute("DELETE FROM core_outbox WHERE task = $1 AND created_at >= $2", task, before)


async def test_jobs_tell_last_and_next_run(
    database: Database, client: httpx.AsyncClient, superuser: asyncpg.Connection, worker_once: Any
) -> None:
    client.cookies.update(sign_in_cookie(await make_admin(database)) | {"orion_lang": "en"})
    merchant, task = await make_merchant(database), "loyalty.expire_points"

    async def job() -> dict[str, Any]:
        answer = (await client.get(f"{ROOT}/jobs")).json()
        found: dict[str, Any] = next(item for item in answer["tasks"] if item["task"] == task)
        return found

    await superuser.execute("DELETE FROM core_task_stats WHERE task = $1", task)  # tests that moved the clock left some of the future
    await superuser.execute("DELETE FROM core_job_runs WHERE status = 'done'")
    before = await job()
    body, headers = {"merchant_id": str(merchant.id)}, {"Idempotency-Key": new_key()}
    assert (await client.post(f"{ROOT}/jobs/{task}/run", json=body, headers=headers)).status_code == 202
    assert (await job())["waiting"] == before["waiting"] + 1
    assert "done" in await worker_once(merchant_id=merchant.id)
    after = await job()
    assert (after["runs"], after["failures"], after["last_outcome"]) == (before["runs"] + 1, before["failures"], "done")
    assert after["last_success_at"] == after["last_started_at"] > (before["last_started_at"] or "")
    assert dt.timedelta(0) < dt.datetime.fromisoformat(after["next_start_at"]) - clock.now() <= dt.timedelta(days=1)
    assert (after["is_per_merchant"], after["hour"], after["title"]) == (True, 0, "Let points expire, and warn before")
    done = [run for run in (await client.get(f"{ROOT}/jobs")).json()["done"] if run["merchant_id"] == str(merchant.id)]
    assert [(run["kind"], run["status"]) for run in done] == [(task, "done")]
