"""Small helpers around operating system processes, shared by the embedded servers and the demo's supervisor."""

import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.ops import launcher
from app.ops.errors import OpsException

MAX_SOCKET_PATH_BYTES = 107
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")
MAX_LOG_BYTES = 5_000_000
SHORT_TEMPORARY_DIR = "/tmp"  # noqa: S108 - a folder of our own inside it, checked for its owner


def launch(
    command: Sequence[str], *, identity: str = "plain", death_signal: signal.Signals, log_file: Path, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session, output to `log_file`, ended by `death_signal` when this process ends."""
    with open_log(log_file) as log:
        return subprocess.Popen(
            launcher_command(command, identity=identity, death_signal=death_signal),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            start_new_session=True,
        )


def launcher_command(command: Sequence[str], *, identity: str, death_signal: signal.Signals) -> list[str]:
    """Return the argument list that runs `command` through the launcher."""
    prefix = [sys.executable, "-I", "-S", launcher.__file__, identity, str(os.getpid()), str(int(death_signal))]
    return [*prefix, *command]


def open_log(log_file: Path) -> io.BufferedWriter:
    """Open `log_file` for appending; one that has grown beyond 5 MB is kept as `.1` and started anew."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    if log_file.exists() and log_file.stat().st_size > MAX_LOG_BYTES:
        log_file.replace(log_file.with_suffix(log_file.suffix + ".1"))
    return log_file.open("ab")


def short_socket_dir(purpose: str, data_dir: Path) -> Path:
    """Return a private folder for the sockets of `data_dir`, the same at every start, short enough for any socket name.

    Unix socket addresses hold 107 bytes, and a checkout may lie deeper than that. Refuses a folder that someone else made.
    """
    digest = hashlib.sha256(f"{os.getuid()}:{data_dir.resolve()}".encode()).hexdigest()[:12]
    name = f"orion-{purpose}-{digest}"
    directory = Path(tempfile.gettempdir(), name)
    if len(os.fsencode(directory)) + LONGEST_SOCKET_NAME > MAX_SOCKET_PATH_BYTES:
        directory = Path(SHORT_TEMPORARY_DIR, name)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    info = directory.lstat()
    if not stat.S_ISDIR(info.st_mode) or (info.st_uid != os.getuid() and os.getuid() != 0):
        raise OpsException(f"{directory} belongs to another user; remove it or set TMPDIR to a folder of your own.")
    directory.chmod(0o700)
    return directory


def is_running(pid: int) -> bool:
    """Whether a process `pid` exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return not Path("/proc/self/stat").exists()


def wait_until(condition: Callable[[], bool], *, seconds: float, interval: float = 0.01) -> bool:
    """Wait up to `seconds` for `condition`; return whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def stop_process(process: subprocess.Popen[bytes], signal_number: signal.Signals, *, seconds: float) -> None:
    """End a process that we started: politely, then by SIGKILL after `seconds`. Returns when it is gone."""
    if process.poll() is not None:
        return
    process.send_signal(signal_number)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
