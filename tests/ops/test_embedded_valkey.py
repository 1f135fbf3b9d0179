"""The embedded Valkey: keeps what it acknowledged, on a private socket."""

from pathlib import Path
from typing import Any

import redis

from app.ops import embedded_valkey


def connect(server: embedded_valkey.EmbeddedValkey) -> Any:
    return redis.Redis(unix_socket_path=str(server.socket_path))


def test_data_survives_a_kill(tmp_path: Path) -> None:
    data_dir = tmp_path / "with space" / "valkey"
    first = embedded_valkey.start(data_dir)
    client = connect(first)
    client.config_set("appendfsync", "always")
    client.lpush("queue", "a task")
    first.process.kill()
    first.process.wait()
    second = embedded_valkey.start(data_dir)
    try:
        assert connect(second).lrange("queue", 0, -1) == [b"a task"]
        assert second.url == first.url
    finally:
        second.stop()


def test_append_only_file_is_on_and_nothing_is_evicted_or_reachable_from_outside(tmp_path: Path) -> None:
    server = embedded_valkey.start(tmp_path / "valkey")
    try:
        settings = connect(server).config_get("*")
        assert settings["appendonly"] == "yes"
        assert settings["maxmemory-policy"] == "noeviction"
        assert settings["port"] == "0"
    finally:
        server.stop()


def test_a_leftover_server_is_ended_and_replaced(tmp_path: Path) -> None:
    first = embedded_valkey.start(tmp_path / "valkey")
    second = embedded_valkey.start(tmp_path / "valkey")
    try:
        assert first.process.wait(timeout=10) is not None
        assert connect(second).ping() is True
    finally:
        second.stop()


def test_celery_understands_the_address(tmp_path: Path) -> None:
    import kombu.connection

    server = embedded_valkey.start(tmp_path / "valkey")
    try:
        open_connection: Any = kombu.connection.Connection
        with open_connection(server.url) as connection:
            assert connection.ensure_connection(max_retries=1, timeout=5) is not None
    finally:
        server.stop()
