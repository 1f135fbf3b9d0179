"""What Kombu's connection to the broker lacks: an error of a kind that Celery expects when it is gone.

A worker that holds a hint while its broker dies closes the broken connection twice, and acknowledges the hint when its task
ends. Both ask the closed connection for its address; the AttributeError that follows ends the worker (Kombu 5.7). A
ConnectionError is what Celery takes for what it is: the connection is made anew, and losing a hint costs nothing.
"""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel of Kombu's that says so when its connection is closed."""

    @property
    def pool(self) -> Any:
        """The connections by which hints are acknowledged and put back; ConnectionError when none can be made any more."""
        try:
            return super().pool
        except AttributeError:
            if getattr(self.connection, "client", None) is not None:
                raise
            raise ConnectionError("the connection to the broker is closed") from None


def use_channel() -> None:
    """Let every connection have such channels; `redis`, `rediss` and sockets share the class that this is said to."""
    redis.Transport.Channel = Channel
