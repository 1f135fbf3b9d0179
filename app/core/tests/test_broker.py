"""What becomes of a hint whose connection to the broker was closed (reliability.md, promise 5, case 23)."""

from typing import Any

import pytest
from celery import Celery

from app.core.tasks.celery_app import broker_address
from app.ops.embedded_valkey import EmbeddedValkey


@pytest.fixture
def connection(valkey: EmbeddedValkey) -> Any:
    """A connection as the worker makes it."""
    return Celery(broker=broker_address(valkey.url)).connection_for_write()


def test_a_hint_of_a_closed_connection_is_refused_as_celery_expects(connection: Any) -> None:
    assert issubclass(ConnectionError, connection.connection_errors)
    channel = connection.channel()
    channel.basic_ack("one hint")
    connection.collect()
    with pytest.raises(ConnectionError, match="closed"):
        channel.basic_ack("another")
