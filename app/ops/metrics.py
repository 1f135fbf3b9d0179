"""Metrics on a port of their own, on loopback unless told otherwise: figures are for the operator, not for whoever reaches the site.

A web server has several processes behind one port: each writes its counters to a file of a shared folder, and the parent adds
them up when asked. That has to be decided before the metrics library is first imported.
"""

import os
import tempfile

from app.core.config import Settings

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
    from prometheus_client import multiprocess

    registry = prometheus_client.REGISTRY
    if SHARED_FOLDER in os.environ:
        registry = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
    prometheus_client.start_http_server(settings.metrics_port, addr=settings.metrics_host, registry=registry)
