"""Long work as the merchant sees it: lists, progress, results by outcome, tables and files to download."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from app.core import bulk, files
from app.core.bulk import BulkItem, BulkJob, Outcome
from app.core.context import Ctx
from app.core.db.engine import Database
from app.core.tasks.batch import Batch, batch_task
from app.modules.tenancy.tests.factories import MadeMerchant, make_member, make_merchant, merchant_ctx, sign_in_cookie

BASE = "/api/v1/merchants/jobs"
TASK = "test.work"
Worker = Callable[..., Awaitable[list[str]]]


async def ask(database: Database, merchant: MadeMerchant, keys: Sequence[str]) -> uuid.UUID:
    async with merchant_ctx(database, merchant) as ctx:
        return await bulk.start(ctx, TASK, task=TASK, params={}, items=[(key, None) for key in keys])


async def _work(_ctx: Ctx, _job: BulkJob, items: Sequence[BulkItem]) -> list[Outcome]:
    return [Outcome("not_found", "nowhere") if item.key.startswith("x") else bulk.OK for item in items]


@batch_task
async def _handler(batch: Batch, *, job_id: uuid.UUID) -> bool:
    return await bulk.run(batch, job_id, _work)


async def test_a_job_is_followed_and_its_results_are_read(client: httpx.AsyncClient, database: Database, worker_once: Worker) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.manager))
    job_id = await ask(database, merchant, ["a", "x1", "b", "a"])
    job = (await client.get(f"{BASE}/{job_id}")).json()
    assert (job["state"], job["total"], job["done"], job["counts"]) == ("queued", 4, 0, {})
    assert (await client.get(f"/merchants/jobs/{job_id}")).status_code == 200
    await worker_once(merchant_id=merchant.id, handlers={TASK: _handler})
    job = (await client.get(f"{BASE}/{job_id}")).json()
    assert (job["state"], job["done"], job["counts"]) == ("done", 4, {"ok": 2, "not_found": 1, "conflict": 1})
    assert [item["id"] for item in (await client.get(BASE)).json()["items"]] == [str(job_id)]
    items = (await client.get(f"{BASE}/{job_id}/items")).json()["items"]
    assert [(item["key"], item["outcome"], item["reason"]) for item in items] == [
        ("a", "ok", None), ("x1", "not_found", "nowhere"), ("b", "ok", None), ("a", "conflict", "listed_twice"),
    ]  # fmt: skip
    refused = (await client.get(f"{BASE}/{job_id}/items", params={"outcome": "conflict"})).json()["items"]
    assert [item["position"] for item in refused] == [4]
    for address in ("/merchants/jobs", f"/merchants/jobs/{job_id}", f"/merchants/jobs/{job_id}?outcome=ok"):
        page = await client.get(address)
        assert page.status_code == 200
        assert str(job_id) in page.text


async def test_all_results_come_as_a_table_without_formulas(client: httpx.AsyncClient, database: Database, worker_once: Worker) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.manager))
    keys = ["=1+1", *(f"k{number}" for number in range(1_200))]
    job_id = await ask(database, merchant, keys)
    await worker_once(merchant_id=merchant.id, handlers={TASK: _handler})
    answer = await client.get(f"{BASE}/{job_id}/results.csv", headers={"Accept-Language": "de"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"].startswith('attachment; filename="results-')
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(keys)
    assert lines[1].split(",")[:2] == ["1", "'=1+1"]
    assert lines[-1].split(",")[:2] == ["1201", "k1199"]
    assert answer.text.count("\ufeff") <= 1


async def test_a_jobs_files_are_downloaded_until_they_expire(client: httpx.AsyncClient, database: Database) -> None:
    merchant = await make_merchant(database)
    client.cookies.update(sign_in_cookie(merchant.manager))
    job_id, other_id = await ask(database, merchant, ["a"]), await ask(database, merchant, ["a"])
    content = b"0123456789" * 60_000
    async with merchant_ctx(database, merchant) as ctx:
        file_id = await files.create(ctx, name="Kaarten é.csv", media_type="text/csv", lasts=dt.timedelta(hours=1), job_id=job_id)
        await files.append(ctx, file_id, content)
        gone_id = await files.create(ctx, name="old.csv", media_type="text/csv", lasts=dt.timedelta(hours=-1), job_id=job_id)
    listed = (await client.get(f"{BASE}/{job_id}/files")).json()["items"]
    assert [(item["id"], item["size"]) for item in listed] == [(str(file_id), len(content))]
    answer = await client.get(f"{BASE}/{job_id}/files/{file_id}")
    assert (answer.status_code, answer.content) == (200, content)
    assert "filename*=UTF-8''Kaarten%20%C3%A9.csv" in answer.headers["content-disposition"]
    for job, file in ((other_id, file_id), (job_id, gone_id), (job_id, uuid.uuid4())):
        assert (await client.get(f"{BASE}/{job}/files/{file}")).status_code == 404


async def test_jobs_are_of_the_whole_business(client: httpx.AsyncClient, database: Database) -> None:
    merchant = await make_merchant(database)
    job_id = await ask(database, merchant, ["a"])
    bound = await make_member(database, merchant, role="manager", bound=True)
    for person, status in ((merchant.staff, 403), (bound, 403), ((await make_merchant(database)).owner, 404)):
        client.cookies.update(sign_in_cookie(person))
        assert (await client.get(f"{BASE}/{job_id}")).status_code == status
        page: Any = await client.get(f"/merchants/jobs/{job_id}")
        assert page.status_code == status
