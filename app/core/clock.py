"""The only place that reads the wall clock."""

import datetime as dt

UTC = dt.UTC


def now() -> dt.datetime:
    """Return the present instant, aware, in UTC."""
    return dt.datetime.now(UTC)
