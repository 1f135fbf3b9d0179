"""No input gives a 5xx, and no answer is undocumented (reliability.md, promise 8 and case 46).

Every operation of the API gets its share of 3,000 generated requests, 10,000 with ORION_TEST_FULL=1: half of them allowed by
its description, half forbidden, signed in as who may call it, with ids that exist and with ids that do not.
"""

import asyncio
import math

import pytest

from app.core.testing import extent
from tests.fuzz.conftest import Callers
from tests.fuzz.generated import Fuzzer, Tally, operations, takes_input
from tests.security.routes import api_routes

pytestmark = pytest.mark.slow
WITH_INPUT = sum(takes_input(name) for name in operations())
CASES = math.ceil(extent.times(short=3_000, full=10_000) / WITH_INPUT)
FACES = {route.name: route.access.face for route in api_routes()}


@pytest.mark.parametrize("name", list(operations()))
async def test_generated_requests(callers: Callers, loop: asyncio.AbstractEventLoop, name: str) -> None:
    tally = Tally()
    cookies, ids = await callers.of(FACES[name])
    fuzzer = Fuzzer(loop, callers.client, extent.source_of(name), tally)
    await asyncio.to_thread(fuzzer.run, name, cases=CASES, cookies=cookies, ids=ids)
    assert tally.problems == {}, "\n".join(tally.problems.values())
    print(f"{name}: {dict(sorted(tally.statuses.items()))}")  # noqa: T201 - shown when the test fails
    assert tally.cases >= (CASES / 2 if takes_input(name) else 1)
    assert not any(status >= 500 for status in tally.statuses)
