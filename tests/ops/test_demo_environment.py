"""What the demo checks before it starts: every refusal is one clear sentence."""

import socket
import subprocess
from pathlib import Path

import pytest

from app.core.config import read_key
from app.ops.demo_environment import check_port, ensure_key_file, given_settings, only_one, prepare_var_dir, read_env_file
from app.ops.errors import OpsException


def test_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text('# ours\nexport ORION_BASE_URL="http://one"\nORION_SMTP_URL=\nOTHER=1\norion_broker_url=redis://b\n')
    assert given_settings(env_file, {"ORION_BASE_URL": "http://two", "HOME": "/"}) == {
        "ORION_BASE_URL": "http://two",
        "ORION_BROKER_URL": "redis://b",
    }
    assert given_settings(tmp_path / "none", {}) == {}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"ORION_BASE_URL=http://a\nthis is not a setting\n", r"^\.env, line 2: expected NAME=value\."),
        (b"ORION_BASE_URL='http://a\n", r"^\.env, line 1: expected NAME=value\."),
        (b"\xff\xfe\x00", r"^\.env is not a text file in UTF-8\."),
    ],
)
def test_a_broken_env_file_is_named_with_its_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(OpsException, match=sentence):
        read_env_file(tmp_path / ".env")


def test_an_env_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(OpsException, match=r"^Reading \.env failed"):
        read_env_file(tmp_path / ".env")


def test_a_taken_port_is_refused_with_another_one_to_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OpsException, match=rf"^Port {port} on 127\.0\.0\.1 is already in use .* --port {port + 1}\.$"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_a_second_demo_in_one_folder_is_refused(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(OpsException, match=r"^A demo already runs in .* \(process \d+\)"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_key_files_are_random_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    ensure_key_file(path)
    first = read_key(path, "ORION_SECRET_KEY_FILE")
    assert path.stat().st_mode & 0o777 == 0o600
    ensure_key_file(path)
    assert read_key(path, "ORION_SECRET_KEY_FILE") == first
    ensure_key_file(tmp_path / "keys" / "other")
    assert read_key(tmp_path / "keys" / "other", "ORION_PIN_PEPPER_FILE") != first


def test_a_file_in_the_way_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(OpsException, match=r"^Creating the folder .* failed .*: File exists\.$"):
        prepare_var_dir(tmp_path / "var")


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        with pytest.raises(OpsException, match=r"^The disk is full: .* has 1 MB left and the demo needs 300 MB\."):
            prepare_var_dir(small / "var")
        (small / "filler").write_bytes(b"x" * (1 << 20))
        with pytest.raises(OpsException, match=r"^The disk is full: "):
            ensure_key_file(small / "keys" / "secret")
    finally:
        subprocess.run(["umount", str(small)], check=True)
