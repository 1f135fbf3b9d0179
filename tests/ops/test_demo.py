"""`orion demo` as people run it: starts, restarts with its data, ends cleanly or by force, refuses in one sentence."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.ops.process import is_running, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
READY = "Stop with Ctrl-C"
MEMORY_LIMIT_MB = 450

pytestmark = pytest.mark.slow


class RunningDemo:
    """One demo as a process, with what it prints."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.output = folder / "output.txt"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ORION_")}
        command = [sys.executable, "-m", "app.cli", "demo", "--port", str(port), "--var-dir", str(folder / "var")]
        with self.output.open("wb") as output:
            # In the folder there is no .env of whoever runs the tests.
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment | {"PYTHONPATH": str(REPOSITORY)}, stdout=output, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        wait_until(lambda: READY in self.output.read_text() or self.process.poll() is not None, seconds=90, interval=0.05)
        assert READY in self.output.read_text(), self.output.read_text()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "with a space"
    made.mkdir()
    return made


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def demo(folder: Path, port: int) -> Iterator[RunningDemo]:
    started = RunningDemo(folder, port)
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.wait()


def memory_mb(processes: list[psutil.Process]) -> float:
    """Memory of `processes` in MB; what they share is counted once (PSS), those that have ended meanwhile not at all."""
    total = 0
    for process in processes:
        # The database starts workers that live for a moment.
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 1e6


def test_a_demo_starts_serves_stays_small_and_ends_cleanly(demo: RunningDemo) -> None:
    demo.wait_until_ready()
    assert (demo.get("/livez"), demo.get("/readyz"), demo.get("/")) == (200, 200, 200)
    children = demo.children()
    assert memory_mb([psutil.Process(demo.process.pid), *children]) < MEMORY_LIMIT_MB
    assert demo.end() == 0
    assert not any(is_running(child.pid) for child in children)


def test_after_a_kill_of_everything_it_starts_again_on_the_same_data(demo: RunningDemo, folder: Path) -> None:
    demo.wait_until_ready()
    key = (folder / "var" / "keys" / "secret").read_text()
    victims = [*demo.children(), psutil.Process(demo.process.pid)]
    for victim in victims:
        victim.kill()
    demo.process.wait()
    assert wait_until(lambda: not any(is_running(victim.pid) for victim in victims), seconds=10)
    again = RunningDemo(folder, demo.port)
    try:
        again.wait_until_ready()
        assert again.get("/readyz") == 200
        assert (folder / "var" / "keys" / "secret").read_text() == key
    finally:
        assert again.end(signal.SIGTERM) == 0


def test_when_the_demo_alone_is_killed_nothing_of_it_stays(demo: RunningDemo) -> None:
    demo.wait_until_ready()
    children = demo.children()
    assert len(children) > 5
    demo.end(signal.SIGKILL)
    assert wait_until(lambda: not any(is_running(child.pid) for child in children), seconds=10)


def test_servers_that_die_come_back(demo: RunningDemo) -> None:
    demo.wait_until_ready()
    for child in psutil.Process(demo.process.pid).children():
        if child.name() in ("postgres", "valkey-server"):
            child.kill()
    names = {"postgres", "valkey-server"}
    assert wait_until(lambda: names <= {child.name() for child in demo.children() if is_running(child.pid)}, seconds=10)
    assert wait_until(lambda: demo.get("/readyz") == 200, seconds=10, interval=0.2)
    assert demo.end() == 0


def refusal(folder: Path, *arguments: str) -> str:
    """What a demo that does not start says, without the first line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORION_")}
    answer = subprocess.run(
        [sys.executable, "-m", "app.cli", "demo", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1, answer
    assert answer.stderr.count("\n") == 1, answer.stderr
    return answer.stderr


def test_a_taken_port_is_refused_in_one_sentence(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(folder, "--port", str(port)).startswith(f"Error: Port {port} on 127.0.0.1 is already in use")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("ORION_ENV=demo\nwhat is this\n", "Error: .env, line 2: expected NAME=value."),
        ("ORION_POOL_SIZE=many\n", "Error: Wrong settings in .env or the environment: ORION_POOL_SIZE: "),
        ("ORION_ENV=production\n", "Error: ORION_ENV is production: "),
        (
            "ORION_DATABASE_URL=postgresql://orion_app@db/orion\n",
            "Error: ORION_OWNER_DATABASE_URL and ORION_PLATFORM_DATABASE_URL must be set",
        ),
    ],
)
def test_a_wrong_env_file_is_refused_in_one_sentence(folder: Path, port: int, content: str, sentence: str) -> None:
    (folder / ".env").write_text(content)
    assert refusal(folder, "--port", str(port)).startswith(sentence)
