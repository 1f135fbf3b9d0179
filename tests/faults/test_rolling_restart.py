"""A new version without a failed request (reliability.md, case 29), as docs/operations.md tells operators to do it.

Two instances of `orion web` stand behind a switch. One after the other is taken out of it, answers what it still has, ends by
SIGTERM, starts anew and joins again. (A SIGHUP to one instance renews its processes too, and cuts the few connections whose
request was not read yet; test_web_processes.py shows that terminals then ask again with the same key.)
"""

import asyncio
import time

import httpx
import pytest

from app.core.testing import extent
from app.core.testing.processes import free_port
from tests.faults.conftest import OpenShop, fresh_keys
from tests.faults.switch import Switch

pytestmark = [pytest.mark.faults, pytest.mark.slow]
A_SECOND = 20


async def test_no_request_fails_while_every_process_is_replaced(open_shop: OpenShop) -> None:
    instances = {"web_1": free_port(), "web_2": free_port()}
    for name, port in instances.items():
        await asyncio.to_thread(open_shop.start_web, name, port=port, workers=1)
    rounds = extent.times(short=1, full=5)
    keys: list[str] = []
    answers: list[asyncio.Task[int]] = []
    async with Switch(list(instances.values())) as switch:
        replaced = asyncio.create_task(replace_all(open_shop, switch, instances, rounds))
        started = time.monotonic()
        while not replaced.done() or len(keys) < 3 * A_SECOND:
            keys += fresh_keys(1)
            answers.append(asyncio.create_task(ask(open_shop, switch.port, keys[-1])))
            await asyncio.sleep(max(0.0, started + len(keys) / A_SECOND - time.monotonic()))  # allow[sleep]: 20 requests a second
        await replaced
        statuses = await asyncio.gather(*answers)
    assert statuses == [200] * len(keys), "nobody was refused, and nobody had to ask twice"
    await open_shop.assert_exactly(keys)


async def ask(open_shop: OpenShop, port: int, key: str) -> int:
    """Book one purchase over a connection of its own; 0 when there was no answer."""
    async with open_shop.client(port=port) as client:
        try:
            return (await open_shop.earn(client, key)).status_code
        except httpx.TransportError:
            return 0


async def replace_all(open_shop: OpenShop, switch: Switch, instances: dict[str, int], rounds: int) -> None:
    """Replace every instance, one after the other."""
    for _ in range(rounds):
        for name, port in instances.items():
            await switch.leave(port)
            await asyncio.to_thread(open_shop.stack.stop, name)
            await asyncio.to_thread(open_shop.start_web, name, port=port, workers=1)
            switch.join(port)
