"""Metrics on a port of their own, on loopback unless told otherwise: figures are for the operator, not for whoever reaches the site.

A web server has several processes behind one port: each writes its counters to a file of a shared folder, and the parent adds
them up when asked. That has to be decided before the metrics library is first imported.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.core.config import Settings
from app.ops.process import is_running

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_between_processes() -> None:
    """Make the processes that this one forks add up; to be called before anything that counts is imported."""
    if SHARED_FOLDER not in os.environ:
        os.environ[SHARED_FOLDER] = tempfile.mkdtemp(prefix="orion-metrics-")


def serve(settings: Settings) -> None:
    """Answer `GET /metrics` on `ORION_METRICS_PORT` from a thread; do nothing when no port is set."""
    if settings.metrics_port is None:
        return
    import prometheus_client

    registry = prometheus_client.REGISTRY
    if SHARED_FOLDER in os.environ:
        registry = prometheus_client.CollectorRegistry()
        registry.register(_Living(os.environ[SHARED_FOLDER]))
    prometheus_client.start_http_server(settings.metrics_port, addr=settings.metrics_host, registry=registry)


class _Living:
    """Adds up what the processes of a shared folder wrote, after taking out what only counts while a process lives.

    A process that was killed could not do so itself, and its connections would be in use for ever.
    """

    def __init__(self, folder: str) -> None:
        from prometheus_client import multiprocess

        self._folder = folder
        self._all = multiprocess.MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]  # the library has no types here

    def collect(self) -> Iterable[Any]:
        """Return the metrics of all processes."""
        from prometheus_client import multiprocess

        for path in Path(self._folder).glob("gauge_live*_*.db"):
            number = path.stem.rpartition("_")[2]
            if number.isdecimal() and not is_running(int(number)):
                multiprocess.mark_process_dead(int(number), self._folder)  # type: ignore[no-untyped-call]  # as above
        return self._all.collect()  # type: ignore[no-any-return, no-untyped-call]  # as above
