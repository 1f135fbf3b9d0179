"""The supervisor: children run, are started anew, and never outlive their parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.ops.errors import OpsException
from app.ops.process import is_running, wait_until
from app.ops.supervisor import Supervisor

REPOSITORY = Path(__file__).resolve().parents[2]
SPAWN_TWO = """
import signal, sys
from pathlib import Path
from app.ops.supervisor import Supervisor
supervisor = Supervisor(Path(sys.argv[1]))
supervisor.spawn("one", signal.pause)
supervisor.spawn("two", signal.pause)
with supervisor.stopping_on_signals():
    print(*(child.pid for child in supervisor.children.values()), flush=True)
    supervisor.watch(lambda: None)
supervisor.stop()
"""


def start_two(log_dir: Path) -> tuple["subprocess.Popen[str]", list[int]]:
    parent = subprocess.Popen([sys.executable, "-c", SPAWN_TWO, str(log_dir)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, [int(word) for word in parent.stdout.readline().split()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_children_end_with_their_parent_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    parent, pids = start_two(tmp_path)
    assert len(pids) == 2
    parent.send_signal(number)
    assert parent.wait(timeout=15) == (-number if number == signal.SIGKILL else 0)
    assert wait_until(lambda: not any(is_running(pid) for pid in pids), seconds=5)


def test_a_child_that_dies_is_started_anew(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor(tmp_path, tell=told.append)
    supervisor.spawn("one", signal.pause)
    first = supervisor.children["one"].pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    def stop_when_back() -> None:
        if supervisor.children["one"].pid not in (None, first):
            supervisor.request_stop()

    supervisor.watch(stop_when_back)
    assert supervisor.children["one"].starts == 2
    assert told == [f"one ended and is started anew (log: {tmp_path / 'one'}.log)"]
    supervisor.stop()
    assert not supervisor.is_alive("one")


def test_a_child_that_ignores_the_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ops.supervisor.STOP_SECONDS", 0.3)
    ready = tmp_path / "ready"

    def ignore() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready.touch()
        signal.pause()

    supervisor = Supervisor(tmp_path)
    supervisor.spawn("stubborn", ignore)
    pid = supervisor.children["stubborn"].pid
    assert pid is not None
    assert wait_until(ready.exists, seconds=5)
    supervisor.stop()
    assert not is_running(pid)


def fail_with_sentence() -> None:
    raise OpsException("The tank is empty: fill it.")


def fail_with_fault() -> None:
    raise RuntimeError("unexpected\nand long")


def fail_without_words() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (fail_with_sentence, r"^The tank is empty: fill it\.$"),
        (fail_with_fault, r"^RuntimeError: unexpected$"),
        (fail_without_words, r"^step ended unexpectedly \(log: .*step\.log\)\.$"),
    ],
)
def test_a_step_that_fails_gives_its_reason(tmp_path: Path, step: Callable[[], None], sentence: str) -> None:
    with pytest.raises(OpsException, match=sentence), Supervisor(tmp_path).step("step", step):
        pass


def test_a_step_writes_to_its_log_and_leaves_nothing_in_the_parent(tmp_path: Path) -> None:
    def step() -> None:
        os.environ["ORION_LEFT_BEHIND"] = "1"
        os.write(1, b"a line\n")

    with Supervisor(tmp_path).step("step", step):
        pass
    assert (tmp_path / "step.log").read_text() == "a line\n"
    assert "ORION_LEFT_BEHIND" not in os.environ


def test_a_block_that_fails_ends_its_step(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def step() -> None:
        pid_file.write_text(str(os.getpid()))
        signal.pause()

    def fail() -> None:
        with Supervisor(tmp_path).step("step", step):
            assert wait_until(lambda: pid_file.exists() and pid_file.read_text() != "", seconds=5)
            raise KeyError("the block")

    with pytest.raises(KeyError):
        fail()
    assert not is_running(int(pid_file.read_text()))
