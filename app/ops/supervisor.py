"""The demo's processes: forked from one parent that has everything imported, so that they share its memory.

Children end with the parent, however it ends; the parent starts anew those that end by themselves.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from app.ops.errors import OpsException, explain
from app.ops.launcher import die_with_parent
from app.ops.process import open_log, wait_until

STOP_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 30.0
POLL_SECONDS = 0.2
FAILED = 1


@dataclass
class Child:
    """One running process: what it runs, and how often it had to be started anew lately."""

    name: str
    target: Callable[[], None]
    pid: int | None = None
    started_at: float = 0.0
    starts: int = 0
    next_start_at: float = 0.0


class Supervisor:
    """Starts, watches and ends processes that run a function each. Use it from the main thread, with no other thread running."""

    def __init__(self, log_dir: Path, *, close_in_children: tuple[int, ...] = (), tell: Callable[[str], None] = lambda _: None) -> None:
        """`tell` hears of processes that ended by themselves, in a sentence."""
        self.log_dir = log_dir
        self.tell = tell
        self.close_in_children = close_in_children
        self.children: dict[str, Child] = {}
        self._wants_stop = False

    def spawn(self, name: str, target: Callable[[], None]) -> None:
        """Run `target` in a process of its own, output to `<name>.log`, and keep it running."""
        self.children[name] = Child(name, target)
        self._start(self.children[name])

    @contextlib.contextmanager
    def step(self, name: str, target: Callable[[], None]) -> Iterator[None]:
        """Run `target` to its end in a process of its own, beside the block; OpsException with its reason when it fails.

        What it imports and opens does not stay in the parent's memory.
        """
        reader, writer = os.pipe()
        pid = self._fork(name, target, report_to=writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            try:
                yield
                reason = pipe.read().decode(errors="replace")
            except BaseException:
                os.kill(pid, signal.SIGKILL)
                raise
            finally:
                status = os.waitpid(pid, 0)[1]
        if os.waitstatus_to_exitcode(status) != 0:
            raise OpsException(reason or f"{name} ended unexpectedly (log: {self.log_dir / name}.log).")

    def request_stop(self) -> None:
        """Make `watch` return."""
        self._wants_stop = True

    @contextlib.contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Let Ctrl-C, SIGTERM and a closed terminal ask for a clean stop; a second one ends everything at once."""

        def handle(*_: object) -> None:
            if self._wants_stop:
                self._kill_all()
                raise KeyboardInterrupt
            self._wants_stop = True

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        previous = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._wants_stop

    def is_alive(self, name: str) -> bool:
        """Whether the process `name` runs right now."""
        self._reap(self.children[name])
        return self.children[name].pid is not None

    def watch(self, each_round: Callable[[], None]) -> None:
        """Keep all processes running until a stop is asked for; calls `each_round` a few times a second."""
        while not self._wants_stop:
            for child in self.children.values():
                self._reap(child)
                if child.pid is None and time.monotonic() >= child.next_start_at:
                    self._start(child)
            each_round()
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End all processes in the order they were started: SIGTERM, and SIGKILL after ten seconds."""
        self._wants_stop = True
        for child in self.children.values():
            if child.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)
        wait_until(lambda: not any(self.is_alive(name) for name in self.children), seconds=STOP_SECONDS, interval=0.02)
        self._kill_all()

    def _kill_all(self) -> None:
        for child in self.children.values():
            if child.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
                    os.waitpid(child.pid, 0)
                child.pid = None

    def _start(self, child: Child) -> None:
        child.pid = self._fork(child.name, child.target)
        child.started_at = time.monotonic()
        child.starts += 1

    def _reap(self, child: Child) -> None:
        """Notice that `child` ended, and decide when to start it anew: at once at first, later with growing pauses."""
        if child.pid is None or os.waitpid(child.pid, os.WNOHANG)[0] == 0:
            return
        child.pid = None
        if time.monotonic() - child.started_at > HEALTHY_AFTER_SECONDS:
            child.starts = 0
        child.next_start_at = time.monotonic() + min(LONGEST_PAUSE_SECONDS, 0.25 * 2**child.starts)
        if not self._wants_stop:
            self.tell(f"{child.name} ended and is started anew (log: {self.log_dir / child.name}.log)")

    def _fork(self, name: str, target: Callable[[], None], *, report_to: int | None = None) -> int:
        """Fork a child that runs `target`; return its process number in the parent."""
        parent_pid = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            for descriptor in self.close_in_children:
                os.close(descriptor)
            _run_child(target, parent_pid=parent_pid, log_file=self.log_dir / f"{name}.log", report_to=report_to)
        return pid


def _run_child(target: Callable[[], None], *, parent_pid: int, log_file: Path, report_to: int | None) -> NoReturn:
    """Be the child: leave the terminal, die with the parent, run `target`, exit without the parent's clean-up."""
    code = FAILED
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        die_with_parent(parent_pid, signal.SIGKILL)
        with Path(os.devnull).open("rb") as nothing, open_log(log_file) as log:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        target()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException as error:
        traceback.print_exc()
        if report_to is not None:
            os.write(report_to, explain(error).encode())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
