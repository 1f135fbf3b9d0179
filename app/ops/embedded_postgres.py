"""PostgreSQL on this machine for demo, tests and benchmarks, started and ended with the process that asked for it.

It listens on a Unix socket in a private folder and nowhere else, so it needs no port and no password.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from app.core.db.blocking import run_blocking
from app.ops import bootstrap_roles
from app.ops.errors import OpsException, explain_log, explain_os_error
from app.ops.postgres_binaries import (
    SHARED_HOME,
    Binaries,
    Identity,
    choose_identity,
    find_binaries,
    is_open_to_all,
    readable_binaries,
)
from app.ops.process import is_running, launch, launcher_command, short_socket_dir, stop_process, wait_until

SUPERUSER = "postgres"
START_SECONDS = 60
STOP_SECONDS = 30
READY_LINE = 7

COMMON_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_replication_slots": "0",
}
# A demo shares its machine with everything else: small caches, no idle helpers.
SMALL_SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "1",
    "max_logical_replication_workers": "0",
    "max_wal_size": "256MB",
    "wal_buffers": "1MB",
}
# Benchmarks and tests get memory; only tests also give up durability, which they would lose with their folder anyway.
ROOMY_SETTINGS = {"shared_buffers": "256MB", "max_connections": "200", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
NOT_DURABLE_SETTINGS = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
VERSION_18_SMALL_SETTINGS = {"io_method": "sync", "autovacuum_worker_slots": "1"}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server. The URLs are `postgresql://` addresses of its socket; nobody needs a password."""

    process: subprocess.Popen[bytes] = field(repr=False)
    data_dir: Path
    socket_dir: Path
    binaries: Binaries

    @property
    def url_app(self) -> str:
        """Address of the database as `orion_app`."""
        return self.url(bootstrap_roles.APP_ROLE, bootstrap_roles.DATABASE)

    @property
    def url_owner(self) -> str:
        """Address of the database as `orion_owner`, for migrations."""
        return self.url(bootstrap_roles.OWNER_ROLE, bootstrap_roles.DATABASE)

    @property
    def url_platform(self) -> str:
        """Address of the database as `orion_platform`."""
        return self.url(bootstrap_roles.PLATFORM_ROLE, bootstrap_roles.DATABASE)

    @property
    def superuser_url(self) -> str:
        """Address of the maintenance database as superuser, for creating databases in tests."""
        return self.url(SUPERUSER, "postgres")

    def url(self, role: str, database: str) -> str:
        """Return the address of `database` as `role`."""
        return f"postgresql://{quote(role)}@/{quote(database)}?{urlencode({'host': str(self.socket_dir)})}"

    def stop(self) -> None:
        """End the server: running transactions roll back, committed ones are on disk."""
        stop_process(self.process, signal.SIGINT, seconds=STOP_SECONDS)
        shutil.rmtree(self.socket_dir, ignore_errors=True)


def start(data_dir: Path, *, settings: Mapping[str, str] | None = None, log_file: Path | None = None) -> EmbeddedPostgres:
    """Start the server on `data_dir`, creating cluster, roles and database at the first call.

    Without `settings` it is sized for a demo. Call it from the main thread: the server ends with the thread that started it.
    OpsException says in one sentence why it cannot start.
    """
    try:
        return _start(data_dir, settings=settings, log_file=log_file, identity=choose_identity())
    except OSError as error:
        raise explain_os_error(error, "starting the embedded PostgreSQL") from error


def _start(data_dir: Path, *, settings: Mapping[str, str] | None, log_file: Path | None, identity: Identity) -> EmbeddedPostgres:
    """Do what `start` says as `identity`."""
    binaries = readable_binaries(find_binaries(), identity)
    log_file = log_file or data_dir.parent / "log" / "postgres.log"
    data_dir = reachable_data_dir(data_dir.absolute(), identity)
    if not (data_dir / "PG_VERSION").exists():
        _create_cluster(data_dir, binaries, identity)
    _check_version(data_dir, binaries)
    _give_to(data_dir, identity)
    _end_leftover(data_dir)
    socket_dir = short_socket_dir("pg", data_dir)
    for leftover in socket_dir.iterdir():
        leftover.unlink()
    os.chown(socket_dir, identity.uid, identity.gid)
    options = COMMON_SETTINGS | (SMALL_SETTINGS | _version_settings(binaries) if settings is None else dict(settings))
    options["unix_socket_directories"] = f'"{socket_dir}"'
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    log_start = log_file.stat().st_size if log_file.exists() else 0
    process = launch(
        [binaries.program("postgres"), "-D", str(data_dir), *arguments],
        identity=identity.launcher_name,
        death_signal=signal.SIGINT,
        log_file=log_file,
        cwd=Path("/"),
    )
    server = EmbeddedPostgres(process, data_dir, socket_dir, binaries)
    _wait_until_ready(server, log_file, log_start)
    try:
        run_blocking(bootstrap_roles.bootstrap_roles(server.superuser_url))
    except BaseException:
        server.stop()
        raise
    return server


def _version_settings(binaries: Binaries) -> dict[str, str]:
    """Return the settings that older versions do not know."""
    return VERSION_18_SMALL_SETTINGS if binaries.major_version >= 18 else {}


def reachable_data_dir(data_dir: Path, identity: Identity) -> Path:
    """Return where the cluster lies: `data_dir`, or a public place with a link to it when `identity` cannot get there."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    if identity.uid == os.geteuid() or is_open_to_all(data_dir.parent):
        return data_dir
    if not data_dir.is_symlink() and not data_dir.exists():
        SHARED_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        public = Path(tempfile.mkdtemp(prefix="data-", dir=SHARED_HOME))
        public.rmdir()
        data_dir.symlink_to(public)
    target = data_dir.resolve()
    if not is_open_to_all(target.parent):
        raise OpsException(f"PostgreSQL refuses to run as root and the user nobody cannot reach {target}: start as an ordinary user.")
    return target


def _create_cluster(data_dir: Path, binaries: Binaries, identity: Identity) -> None:
    """Run initdb. A cluster appears whole or not at all, so that an interrupted first start can be repeated."""
    unfinished = data_dir.with_name(f"{data_dir.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    if data_dir.exists() and any(data_dir.iterdir()):
        raise OpsException(f"{data_dir} is not empty and holds no PostgreSQL cluster: move it away and start again.")
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, identity.uid, identity.gid)
    builtin = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    locale = builtin if binaries.major_version >= 17 else ["--locale=C.UTF-8"]
    command = [
        binaries.program("initdb"),
        f"--pgdata={unfinished}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--auth=trust",
        "--no-instructions",
        *locale,
    ]
    answer = subprocess.run(
        launcher_command(command, identity=identity.launcher_name, death_signal=signal.SIGKILL),
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        check=False,
    )
    if answer.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        if "No space left on device" in answer.stderr:
            raise OpsException(f"The disk is full: creating the database in {data_dir} failed. Free some space and try again.")
        lines = [line for line in answer.stderr.splitlines() if line.strip()] or ["initdb left no message"]
        raise OpsException(f"Creating the database in {data_dir} failed: {lines[-1]}")
    if data_dir.exists():
        data_dir.rmdir()
    unfinished.rename(data_dir)


def _check_version(data_dir: Path, binaries: Binaries) -> None:
    """Refuse a cluster that another major version wrote."""
    written_by = (data_dir / "PG_VERSION").read_text().strip()
    if written_by != str(binaries.major_version):
        raise OpsException(
            f"{data_dir} was written by PostgreSQL {written_by} and this is {binaries.major_version}: "
            "move the folder away to start anew, or set ORION_DATABASE_URL."
        )


def _give_to(data_dir: Path, identity: Identity) -> None:
    """Let `identity` own the cluster; a cluster changes hands when the way of running as root does."""
    if (data_dir / "PG_VERSION").stat().st_uid == identity.uid:
        return
    for folder, _, files in os.walk(data_dir):
        os.chown(folder, identity.uid, identity.gid)
        for name in files:
            os.chown(Path(folder, name), identity.uid, identity.gid, follow_symlinks=False)


def _end_leftover(data_dir: Path) -> None:
    """Clear what a killed predecessor left: end its server if it still runs, else remove its lock.

    The lock names a process number, and after a restart of the machine or container that number may be anybody's.
    """
    lock = data_dir / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        lock.unlink(missing_ok=True)
        return
    if is_running(pid) and _serves(pid, data_dir):
        os.kill(pid, signal.SIGINT)
        if not wait_until(lambda: not is_running(pid), seconds=STOP_SECONDS):
            raise OpsException(f"A PostgreSQL server (process {pid}) still uses {data_dir}: end it and start again.")
    lock.unlink(missing_ok=True)


def _serves(pid: int, data_dir: Path) -> bool:
    """Whether process `pid` is a PostgreSQL server on `data_dir`."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
        return b"postgres" in answer.stdout and os.fsencode(data_dir) in answer.stdout
    return words[0].endswith((b"/postgres", b"/postmaster")) and os.fsencode(data_dir) in words


def _wait_until_ready(server: EmbeddedPostgres, log_file: Path, log_start: int) -> None:
    """Wait until the server takes connections; OpsException with the reason from its log when it does not."""
    lock = server.data_dir / "postmaster.pid"

    def is_ready() -> bool:
        try:
            return re.match(r"ready", lock.read_text().splitlines()[READY_LINE]) is not None
        except (OSError, IndexError):
            return False

    if wait_until(lambda: server.process.poll() is not None or is_ready(), seconds=START_SECONDS) and server.process.poll() is None:
        return
    server.stop()
    raise explain_log(log_file, "PostgreSQL", log_start)


@contextmanager
def ephemeral_postgres(*, durable: bool, settings: Mapping[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """Give a fresh server in a temporary folder and remove it afterwards.

    `durable=False` is for tests only: it skips flushing to disk. Benchmarks take `durable=True`, where a commit is a commit.
    `settings` are added to either.
    """
    options = ROOMY_SETTINGS | ({} if durable else NOT_DURABLE_SETTINGS) | dict(settings or {})
    folder = Path(tempfile.mkdtemp(prefix="orion-postgres-"))
    folder.chmod(0o755)
    try:
        server = start(folder / "data", settings=options, log_file=folder / "postgres.log")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
