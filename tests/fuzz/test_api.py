"""No input gives a 5xx, and no answer is undocumented (reliability.md, promise 8 and case 46).

Every operation of the API gets its share of 3,000 generated requests, 10,000 with ORION_TEST_FULL=1: half of them allowed by
its description, half forbidden, signed in as who may call it, with ids that exist and with ids that do not.
"""

import asyncio
import math

import pytest

from app.core.testing import extent
from tests.fuzz.conftest import Callers
from tests.fuzz.generated import Fuzzer, Tally, operations

pytestmark = pytest.mark.slow
CASES = math.ceil(extent.times(short=3_000, full=10_000) / len(operations()))


@pytest.mark.parametrize("name", list(operations()))
async def test_generated_requests(callers: Callers, loop: asyncio.AbstractEventLoop, name: str) -> None:
    tally = Tally()
    cookies, ids = await callers.of(name.split(" ")[1])
    fuzzer = Fuzzer(loop, callers.client, extent.source_of(name), tally)
    await asyncio.to_thread(fuzzer.run, name, cases=CASES, cookies=cookies, ids=ids)
    assert tally.problems == {}, "\n".join(tally.problems.values())
    assert tally.cases >= 1
    assert not any(status >= 500 for status in tally.statuses)
