"""Answers that no description foresees fail the test that gets them."""

import httpx
import pytest

from app.core.ids import new_id
from app.core.testing import application
from app.core.testing.described import Described
from app.core.web.middleware import Gate


async def test_an_answer_that_is_not_described_is_noticed(caller: httpx.AsyncClient) -> None:
    key = {"Authorization": f"Bearer staff:{new_id()}"}
    assert (await caller.post("/api/v1/store/probe/refused", headers=key)).status_code == 409
    with pytest.raises(AssertionError, match="secretly-refused answered 404, which its `responses` do not describe"):
        await caller.post("/api/v1/store/probe/secretly-refused", headers=key)


async def test_a_media_type_that_is_not_described_is_noticed(probe: Gate) -> None:
    described = Described(probe)
    for responses in described.operations.values():
        responses["200"] = {"content": {"text/csv": {}}}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=described), base_url=application.BASE_URL) as client:
        with pytest.raises(AssertionError, match="answered 200 as application/json, described as text/csv"):
            await client.get("/api/v1/store/probe/notes", headers={"Authorization": f"Bearer staff:{new_id()}"})
