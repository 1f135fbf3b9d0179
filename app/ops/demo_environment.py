"""What `orion demo` checks and prepares before it starts anything: settings, folder, port, key files."""

import base64
import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from app.ops.errors import OpsException, explain_os_error

NEEDED_BYTES = 300_000_000
KEY_BYTES = 32
ENV_FILE_NAME = "demo.env"


def read_env_file(path: Path) -> dict[str, str]:
    """Return the settings of the file `path`, none when there is no such file; OpsException that names the first line that is wrong."""
    if not path.exists():
        return {}
    values: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8") as file:
            for binding in parse_stream(file):
                if binding.error or (binding.key is not None and binding.value is None):
                    raise OpsException(f"{path.name}, line {binding.original.line}: expected NAME=value. Correct the line or remove it.")
                if binding.key is not None and binding.value is not None:
                    values[binding.key.upper()] = binding.value
    except UnicodeDecodeError:
        raise OpsException(f"{path.name} is not a text file in UTF-8. Correct it or remove it.") from None
    except OSError as error:
        raise explain_os_error(error, f"reading {path.name}") from error
    return values


def given_settings(env_file: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the ORION_* settings that the operator gave; the environment wins over the file, empty counts as not given."""
    both = read_env_file(env_file) | {name.upper(): value for name, value in environment.items()}
    return {name: value for name, value in both.items() if name.startswith("ORION_") and value}


def write_env_file(path: Path, settings: Mapping[str, str]) -> None:
    """Write `settings` for a shell to read: other commands reach a running demo by them."""
    try:
        path.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items()), encoding="utf-8")
        path.chmod(0o600)
    except OSError as error:
        raise explain_os_error(error, f"writing {path}") from error


def check_port(host: str, port: int) -> None:
    """OpsException when `port` on `host` cannot be listened on."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except PermissionError:
        raise OpsException(f"Port {port} needs more rights than this user has: choose one above 1023, for example --port 8000.") from None
    except (OSError, OverflowError):
        raise OpsException(
            f"Port {port} on {host} is already in use by another program: end it, or choose another port, for example --port {port + 1}."
        ) from None


def prepare_var_dir(var_dir: Path) -> None:
    """Create the folder for everything that a demo writes; OpsException when that is impossible or the disk is nearly full."""
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(var_dir).free
    except OSError as error:
        raise explain_os_error(error, f"creating the folder {var_dir}") from error
    if free < NEEDED_BYTES:
        raise OpsException(
            f"The disk is full: {var_dir} has {free // 1_000_000} MB left and the demo needs {NEEDED_BYTES // 1_000_000} MB. "
            "Free some space and try again."
        )


@contextlib.contextmanager
def only_one(var_dir: Path) -> Iterator[int]:
    """Hold the folder's lock, so that two demos never share one database; give its file descriptor. OpsException when it is taken."""
    try:
        descriptor = os.open(var_dir / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise explain_os_error(error, f"writing to the folder {var_dir}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
            raise OpsException(
                f"A demo already runs in {var_dir} (process {holder}): end it, or choose another folder with --var-dir."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def ensure_key_file(path: Path) -> None:
    """Create the file `path` with a random key of 256 bits, readable by its owner alone; an existing file stays as it is."""
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise explain_os_error(error, f"writing the key file {path}") from error
