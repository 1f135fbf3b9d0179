"""Metrics of real processes: those of the web processes are added up, and nothing serves them without a port."""

from pathlib import Path

import httpx

from app.core.testing.processes import free_port, running_stack, wait_for


def read(port: int) -> dict[str, float]:
    """Return the samples at `port` by name and labels."""
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line and not line.startswith("#"))}


def test_web_processes_are_added_up_and_the_relay_tells_its_own(tmp_path: Path) -> None:
    web_port, relay_port = free_port(), free_port()
    with running_stack(tmp_path) as stack:
        stack.environment["ORION_METRICS_PORT"] = str(web_port)
        stack.start_web(workers=2)
        sample = 'orion_requests_total{method="GET",route="/livez",status="2xx"}'
        before = read(web_port).get(sample, 0.0)
        for _ in range(20):  # a connection each, so that both processes get some
            assert httpx.get(f"{stack.base_url}/livez").status_code == 200
        assert read(web_port)[sample] - before == 20
        assert httpx.get(f"{stack.base_url}/metrics").status_code == 404
        assert {name for name in read(web_port) if name.startswith("orion_pool_")} == {
            f'orion_pool_{what}{{pool="{pool}"}}' for what in ("in_use", "waiting") for pool in ("app", "platform")
        }
        stack.environment["ORION_METRICS_PORT"] = str(relay_port)
        stack.start("relay")

        def knows_the_outbox() -> bool:
            try:
                return read(relay_port).get("orion_outbox_dead") == 0.0
            except httpx.HTTPError:
                return False

        wait_for(knows_the_outbox, what="the relay's metrics")
