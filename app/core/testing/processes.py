"""The platform as real processes on this machine, for tests that kill, stop and starve them, and for benchmarks.

PostgreSQL with durable commits, Valkey, web processes behind one port, relay, worker and beat: each is started, stopped and
killed by its own process number, and everything ends with the test.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from app.core.db import migrate
from app.core.testing.application import settings_environment
from app.core.testing.databases import DatabaseUrls, urls_of
from app.ops import bootstrap_roles, embedded_postgres, embedded_valkey
from app.ops.process import is_running, launcher_command, open_log, stop_process, wait_until

START_SECONDS = 60.0
STOP_SECONDS = 20.0
HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[3]
WEB = "from app.ops.processes import run_web; run_web(host='{host}', port={port}, workers={workers}{target})"
ENTRIES: Mapping[str, str] = {
    "relay": "from app.ops.processes import run_relay; run_relay()",
    "worker": "from app.ops.processes import run_worker; run_worker()",
    "beat": "from app.ops.processes import run_beat; run_beat()",
}


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on."""
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], *, seconds: float = START_SECONDS, what: str = "") -> None:
    """Wait until `condition` holds; AssertionError that names `what` after `seconds`."""
    assert wait_until(condition, seconds=seconds, interval=0.05), f"not within {seconds:g} s: {what or condition}"


@contextlib.contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Hold processes where they are while the block runs: servers that hang, a worker that must not be faster than a look."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


class Stack:
    """Servers and processes in `folder`. Nothing runs before `start_servers`; use it from the main thread, or from threads that
    live as long as the servers they start (`asyncio.to_thread` does)."""

    def __init__(self, folder: Path, *, environment: Mapping[str, str] | None = None, postgres_settings: Mapping[str, str] | None = None):
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.port = free_port()
        self._extra = dict(environment or {})
        self._postgres_settings = dict(postgres_settings or {})
        self.postgres: embedded_postgres.EmbeddedPostgres | None = None
        self.valkey: embedded_valkey.EmbeddedValkey | None = None
        self.environment: dict[str, str] = {}

    @property
    def base_url(self) -> str:
        """Address of the web processes."""
        return f"http://{HOST}:{self.port}"

    @property
    def urls(self) -> DatabaseUrls:
        """Addresses of the database, by role."""
        assert self.postgres is not None
        return urls_of(str(self.postgres.socket_dir), bootstrap_roles.DATABASE)

    def start_servers(self, *, with_broker: bool = True) -> None:
        """Start PostgreSQL (migrated) and, if wanted, Valkey, and prepare the settings of the processes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start_postgres()
        migrate.upgrade(self.urls.owner)
        broker = {}
        if with_broker:
            self.start_valkey()
            assert self.valkey is not None
            broker = {"ORION_BROKER_URL": self.valkey.url}
        settings = settings_environment(self.urls, self.folder)
        self.environment = {**os.environ, **settings, **broker, "ORION_BASE_URL": self.base_url, **self._extra}

    def start_postgres(self) -> None:
        """Start PostgreSQL on this stack's data, also after `kill_postgres`: its address stays the same."""
        settings = embedded_postgres.ROOMY_SETTINGS | self._postgres_settings
        self.postgres = embedded_postgres.start(self.folder / "postgres", settings=settings, log_file=self.folder / "postgres.log")

    def stop_postgres(self) -> None:
        """Shut PostgreSQL down: connections are cut, committed work stays."""
        assert self.postgres is not None
        self.postgres.stop()

    def kill_postgres(self) -> None:
        """End PostgreSQL by SIGKILL, as a crash would."""
        assert self.postgres is not None
        self.postgres.process.kill()
        self.postgres.process.wait()

    def start_valkey(self) -> None:
        """Start the broker on this stack's data; its address stays the same."""
        self.valkey = embedded_valkey.start(self.folder / "valkey", log_file=self.folder / "valkey.log")

    def stop_valkey(self, *, wipe: bool = False) -> None:
        """Stop the broker; `wipe` makes it forget everything."""
        assert self.valkey is not None
        self.valkey.stop()
        if wipe:
            shutil.rmtree(self.folder / "valkey")

    def start_web(self, *, workers: int = 1, target: str | None = None, name: str = "web") -> None:
        """Serve the application (or the one at `target`, "package.module:attribute") with `workers` processes; wait until it is ready."""
        choice = f", target={target!r}" if target else ""
        self.spawn(name, WEB.format(host=HOST, port=self.port, workers=workers, target=choice))
        wait_for(lambda: self._is_ready(name), what=f"{name} ready; log: {self.log_of(name)}")

    def _is_ready(self, name: str) -> bool:
        assert self.processes[name].poll() is None, f"{name} ended: {self.log_of(name)}"
        try:
            return httpx.get(f"{self.base_url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def start(self, kind: str, name: str | None = None) -> None:
        """Start a process of `kind` (relay, worker, beat) under `name`."""
        self.spawn(name or kind, ENTRIES[kind])

    def spawn(self, name: str, code: str) -> None:
        """Run `code` in a Python process of its own with the platform's settings."""
        command = launcher_command([sys.executable, "-c", code], identity="plain", death_signal=signal.SIGKILL)
        with open_log(self.folder / f"{name}.log") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603 - our own interpreter
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=self.environment, start_new_session=True
            )

    def log_of(self, name: str) -> str:
        """Return the end of a process's log."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def stop(self, name: str) -> None:
        """Ask a process to end (SIGTERM) and wait for it."""
        stop_process(self.processes.pop(name), signal.SIGTERM, seconds=STOP_SECONDS)

    def kill9(self, name: str) -> None:
        """End a process, and those it started, without any warning."""
        process = self.processes.pop(name)
        for pid in (process.pid, *self.children(process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    @staticmethod
    def children(pid: int) -> list[int]:
        """Return the process numbers of `pid`'s children: the web's worker processes."""
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    def stop_all(self) -> None:
        """End everything that this stack started."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for name in list(self.processes):
            process = self.processes[name]
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            self.kill9(name)
        for server in (self.valkey, self.postgres):
            if server is not None and is_running(server.process.pid):
                server.process.send_signal(signal.SIGCONT)
                server.stop()


@contextlib.contextmanager
def running_stack(
    folder: Path, *, environment: Mapping[str, str] | None = None, postgres_settings: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Give a stack whose servers run, and end everything afterwards."""
    stack = Stack(folder, environment=environment, postgres_settings=postgres_settings)
    try:
        stack.start_servers()
        yield stack
    finally:
        stack.stop_all()
