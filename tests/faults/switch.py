"""A switch in front of web processes, as small as one can be: what a load balancer does, on loopback."""

import asyncio
import contextlib


class Switch:
    """Passes each connection on to one of `ports`, in turn; `leave` takes one out and waits until its connections have ended."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = list(ports)
        self._open: dict[int, set[asyncio.Task[None]]] = {port: set() for port in ports}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Switch":
        """Start listening."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def leave(self, port: int) -> None:
        """Send nobody new to `port`, and wait until everybody there has been answered."""
        self._ports.remove(port)
        if self._open[port]:
            await asyncio.wait(self._open[port])

    def join(self, port: int) -> None:
        """Send people to `port` again."""
        self._ports.append(port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self._ports.pop(0)
        self._ports.append(port)
        task = asyncio.current_task()
        assert task is not None
        self._open[port].add(task)
        try:
            ahead_reader, ahead_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(copy(reader, ahead_writer), copy(ahead_reader, writer))
        finally:
            self._open[port].discard(task)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side ends."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(ConnectionError, RuntimeError):
        writer.close()
