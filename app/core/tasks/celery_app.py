"""Celery, as little of it as possible: one task that carries the ids of a few messages (reliability.md, Settings, Celery).

Acknowledged late, as many hints at a time as there are threads, no results, no ETA. Losing a hint or getting it twice costs
nothing: the row in PostgreSQL decides.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from celery import Celery

from app.core.config import get_settings
from app.core.tasks.broker import use_channel

TASK_NAME = "orion.run_messages"
QUEUE = "orion"
IDS_PER_HINT = 10
"""Enough that the broker's part of the cost is small, few enough that a worker with a slow mail server is not bound for long."""
SOFT_SECONDS = 100
HARD_SECONDS = 120
VISIBILITY_SECONDS = 300
CONNECT_SECONDS = 2
SOCKET_SECONDS = 4


def broker_address(url: str) -> str:
    """Return the broker's address `url` in Celery's spelling, which has a scheme of its own for Unix sockets."""
    scheme, _, rest = url.partition("://")
    return f"redis+socket://{rest}" if scheme in ("unix", "redis+unix") else url


def configuration() -> dict[str, Any]:
    """Return Celery's settings; read when Celery first needs them, in the process that does."""
    return {
        "broker_url": broker_address(get_settings().require_url("broker_url")),
        "task_default_queue": QUEUE,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_soft_time_limit": SOFT_SECONDS + 5,  # the coroutine's own deadline comes first and cleans up better
        "task_time_limit": HARD_SECONDS,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": 3 * SOCKET_SECONDS,
            "socket_keepalive": True,
        },
    }


def make_celery() -> Celery:
    """Return a Celery application that reads its settings at first use."""
    use_channel()
    celery = Celery("orion")
    celery.add_defaults(configuration)
    return celery


celery_app = make_celery()


def publish(ids: Sequence[uuid.UUID], celery: Celery = celery_app) -> None:
    """Send hints for `ids`, ten in each, on a connection of its own so that a broken one is never met again; raises when it cannot."""
    options = configuration()["broker_transport_options"] | {"socket_timeout": SOCKET_SECONDS}
    with celery.connection_for_write(connect_timeout=CONNECT_SECONDS, transport_options=options) as connection:
        producer = celery.amqp.Producer(connection)
        for first in range(0, len(ids), IDS_PER_HINT):
            hinted = [str(message_id) for message_id in ids[first : first + IDS_PER_HINT]]
            celery.send_task(TASK_NAME, args=(hinted,), producer=producer, retry=False, ignore_result=True)
