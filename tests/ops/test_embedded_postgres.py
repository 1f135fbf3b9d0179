"""The embedded PostgreSQL: starts as whoever we are, survives kills, dies with its parent."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.core.db.blocking import run_blocking
from app.ops import embedded_postgres, postgres_binaries
from app.ops.bootstrap_roles import bootstrap_roles, passwords_from_urls
from app.ops.embedded_postgres import EmbeddedPostgres
from app.ops.errors import OpsException
from app.ops.process import MAX_SOCKET_PATH_BYTES, is_running, short_socket_dir, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
POWERS = "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
START_AND_WAIT = """
import sys, time
from pathlib import Path
from app.ops import embedded_postgres, embedded_valkey
servers = [embedded_postgres.start(Path(sys.argv[1], "postgres")), embedded_valkey.start(Path(sys.argv[1], "valkey"))]
print(*(server.process.pid for server in servers), flush=True)
time.sleep(60)
"""


async def _fetchval(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def fetchval(url: str, query: str) -> object:
    return run_blocking(_fetchval(url, query))


@pytest.fixture
def var_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    started = embedded_postgres.start(tmp_path_factory.mktemp("with space ") / "postgres")
    yield started
    started.stop()


def test_roles_are_what_their_addresses_say_and_have_no_power(server: EmbeddedPostgres) -> None:
    for url, role in ((server.url_app, "orion_app"), (server.url_owner, "orion_owner"), (server.url_platform, "orion_platform")):
        assert fetchval(url, "SELECT current_user::text") == role
        assert (
            fetchval(url, "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user")
            is False
        )
        assert fetchval(url, "SELECT current_database()::text") == "orion"


def test_only_the_owner_creates_tables(server: EmbeddedPostgres) -> None:
    assert fetchval(server.url_owner, "SELECT has_schema_privilege('public', 'CREATE')") is True
    for url in (server.url_app, server.url_platform):
        assert fetchval(url, "SELECT has_schema_privilege('public', 'CREATE')") is False
        assert fetchval(url, "SELECT has_schema_privilege('public', 'USAGE')") is True


def test_commits_are_durable_and_nothing_listens_on_the_network(server: EmbeddedPostgres) -> None:
    for name, value in (("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on"), ("listen_addresses", "")):
        assert fetchval(server.superuser_url, f"SELECT current_setting('{name}')") == value


def test_text_is_utf8_and_folds_case_beyond_ascii(server: EmbeddedPostgres) -> None:
    assert fetchval(server.url_app, "SELECT lower('ÉÄ')") == "éä"


def test_second_start_finds_the_data_and_a_stale_lock_does_not_matter(var_dir: Path) -> None:
    data_dir = var_dir / "postgres"
    first = embedded_postgres.start(data_dir)
    fetchval(first.url_owner, "CREATE TABLE kept AS SELECT 42 AS answer")
    first.process.kill()
    first.process.wait()
    # The lock names a process that exists and is not the server, as after a restart of a container.
    lock = data_dir / "postmaster.pid"
    lock.write_text(lock.read_text().replace(str(first.process.pid), str(os.getpid()), 1))
    second = embedded_postgres.start(data_dir)
    try:
        assert fetchval(second.url_owner, "SELECT answer FROM kept") == 42
        assert second.url_app == first.url_app
    finally:
        second.stop()


def test_a_leftover_server_is_ended_and_replaced(var_dir: Path) -> None:
    first = embedded_postgres.start(var_dir / "postgres")
    second = embedded_postgres.start(var_dir / "postgres")
    try:
        assert first.process.wait(timeout=10) is not None
        assert fetchval(second.url_app, "SELECT 1") == 1
    finally:
        second.stop()


def test_servers_end_with_a_parent_that_is_killed(var_dir: Path) -> None:
    command = [sys.executable, "-c", START_AND_WAIT, str(var_dir)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(is_running(pid) for pid in pids)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not any(is_running(pid) for pid in pids), seconds=10)


def test_an_interrupted_first_start_can_be_repeated(var_dir: Path) -> None:
    (var_dir / "postgres.unfinished").mkdir()
    (var_dir / "postgres.unfinished" / "half").write_text("a file")
    server = embedded_postgres.start(var_dir / "postgres")
    server.stop()
    assert not (var_dir / "postgres.unfinished").exists()


def test_a_folder_with_something_else_in_it_is_refused(var_dir: Path) -> None:
    (var_dir / "postgres").mkdir()
    (var_dir / "postgres" / "holiday.jpg").touch()
    with pytest.raises(OpsException, match="is not empty and holds no PostgreSQL cluster"):
        embedded_postgres.start(var_dir / "postgres")


def test_a_cluster_of_another_version_is_refused(var_dir: Path) -> None:
    (var_dir / "postgres").mkdir()
    (var_dir / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(OpsException, match="was written by PostgreSQL 12"):
        embedded_postgres.start(var_dir / "postgres")


def test_a_broken_cluster_gives_one_sentence(var_dir: Path) -> None:
    embedded_postgres.start(var_dir / "postgres").stop()
    (var_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(OpsException, match=r"^PostgreSQL did not start: .*pg_control.*\(log: .*postgres\.log\)$"):
        embedded_postgres.start(var_dir / "postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_root_without_user_namespaces_runs_it_as_nobody(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_postgres, "choose_identity", postgres_binaries.nobody)
    server = embedded_postgres.start(var_dir / "postgres")
    try:
        assert fetchval(server.url_app, "SELECT 1") == 1
        assert Path(f"/proc/{server.process.pid}").stat().st_uid == postgres_binaries.nobody().uid
    finally:
        server.stop()
    monkeypatch.undo()
    again = embedded_postgres.start(var_dir / "postgres")
    try:
        assert fetchval(again.url_app, "SELECT 1") == 1
    finally:
        again.stop()
        cluster = (var_dir / "postgres").resolve()
        if cluster.parent == postgres_binaries.SHARED_HOME:
            subprocess.run(["rm", "-rf", str(cluster)], check=True)


def test_socket_folder_is_private_and_short_however_deep_the_data_lies(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(["a very long folder name"] * 20))
    folder = short_socket_dir("test", deep)
    assert len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= MAX_SOCKET_PATH_BYTES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert short_socket_dir("test", deep) == folder
    assert short_socket_dir("test", tmp_path) != folder
    folder.rmdir()
    short_socket_dir("test", tmp_path).rmdir()


def test_roles_can_be_set_up_again_and_get_passwords(server: EmbeddedPostgres) -> None:
    passwords = passwords_from_urls({"orion_app": "postgresql://orion_app:s%27e%25cret@host/orion", "orion_owner": None})
    assert passwords == {"orion_app": "s'e%cret"}
    run_blocking(bootstrap_roles(server.superuser_url, passwords=passwords))
    stored = "SELECT rolname::text FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname LIKE 'orion%'"
    assert fetchval(server.superuser_url, stored) == "orion_app"
    run_blocking(bootstrap_roles(server.superuser_url, database="another"))
    assert fetchval(server.url("orion_owner", "another"), "SELECT has_schema_privilege('public', 'CREATE')") is True


def test_a_role_that_bypasses_row_level_security_is_refused(server: EmbeddedPostgres) -> None:
    fetchval(server.superuser_url, "ALTER ROLE orion_app BYPASSRLS")
    try:
        with pytest.raises(OpsException, match="ALTER ROLE orion_app NOSUPERUSER NOBYPASSRLS"):
            run_blocking(bootstrap_roles(server.superuser_url))
    finally:
        fetchval(server.superuser_url, "ALTER ROLE orion_app NOBYPASSRLS")


def test_an_address_of_the_wrong_role_is_refused() -> None:
    with pytest.raises(OpsException, match="signs in as postgres: use the role orion_app"):
        passwords_from_urls({"orion_app": "postgresql://postgres:x@host/orion"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_binaries_in_a_private_folder_are_copied_to_a_readable_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = postgres_binaries.find_binaries()
    package = found.bindir.parents[1]
    private = tmp_path / "private"
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, private / folder.name, symlinks=True, copy_function=shutil.copy)
    private.chmod(0o700)
    monkeypatch.setattr(postgres_binaries, "SHARED_HOME", tmp_path / "shared")
    inside = postgres_binaries.Binaries(private / found.bindir.relative_to(package.parent), found.major_version)
    readable = postgres_binaries.readable_binaries(inside, postgres_binaries.nobody())
    assert readable.bindir.is_relative_to(tmp_path / "shared")
    for name in ("initdb", "psql"):
        subprocess.run([readable.program(name), "--version"], check=True, capture_output=True)
    assert postgres_binaries.readable_binaries(inside, postgres_binaries.nobody()) == readable
