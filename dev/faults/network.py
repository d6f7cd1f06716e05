"""Network fault injection: TCP proxies between the shop's processes and their servers."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from dev.processes import ports

_CHUNK = 65536
_Result = TypeVar("_Result")
#: SO_LINGER with a timeout of 0: closing the socket sends a reset.
_LINGER = struct.pack("ii", 1, 0)
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Network:
    """Context manager that runs links in a thread of its own. Leaving it closes them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._servers: list[asyncio.Server] = []

    def __enter__(self) -> "Network":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def link(self, *, port: int, server_port: Callable[[], int]) -> "Link":
        """Forward connections to a port near ``port`` to ``server_port()``, read for each connection."""
        link = Link(self.run, ports.pick(port), server_port)
        self._servers.append(self._wait(asyncio.start_server(link.serve, ports.LOOPBACK, link.port)))
        return link

    def run(self, action: Callable[[], None]) -> None:
        """Run ``action`` in the thread of the links and wait for it."""

        async def act() -> None:
            action()

        self._wait(act())

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close their sockets


class ProxiedConnection:
    """A connection through a link, forwarded in both directions."""

    def __init__(self, link: "Link", client: _Streams, server: _Streams) -> None:
        self._link, self._client, self._server = link, client, server
        self.flowing = asyncio.Event()
        if link.is_open:  # it may have been frozen while this connection was established
            self.flowing.set()

    async def carry(self) -> None:
        """Forward in both directions until one side has closed."""
        pumps = [
            asyncio.create_task(self._pump(self._client[0], self._server[1])),
            asyncio.create_task(self._pump(self._server[0], self._client[1])),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for _, writer in (self._client, self._server):
                writer.close()  # after flushing

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            if self._link.latency:
                await asyncio.sleep(self._link.latency)
            await self.flowing.wait()
            writer.write(data)
            await writer.drain()

    def cut(self) -> None:
        """Reset the connection on both sides."""
        self.flowing.set()
        for _, writer in (self._client, self._server):
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.transport.abort()


class Link:
    """The proxy of one server. Its fault methods may be called from any thread."""

    def __init__(
        self, run: Callable[[Callable[[], None]], None], port: int, server_port: Callable[[], int]
    ) -> None:
        self.port, self._server_port, self._run = port, server_port, run
        #: Delay of each chunk in seconds.
        self.latency = 0.0
        self._connections: set[ProxiedConnection] = set()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def is_open(self) -> bool:
        """True if new connections are accepted."""
        return self._open.is_set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection to its end."""
        try:
            await self._open.wait()
            server = await asyncio.open_connection(ports.LOOPBACK, self._server_port())
        except (OSError, asyncio.CancelledError):
            _reset(writer)
            return
        connection = ProxiedConnection(self, (reader, writer), server)
        self._connections.add(connection)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # the network is being closed
                await connection.carry()
        finally:
            self._connections.discard(connection)

    def cut(self) -> None:
        """Reset all connections; new ones work."""
        self._run(self._cut)

    def drop(self) -> None:
        """Silently drop all connections, which leaves them half-open; new ones work."""
        self._run(self._drop)

    def freeze(self) -> None:
        """Silently stop all connections and accept no new ones."""
        self._run(self._freeze)

    def thaw(self) -> None:
        """Resume all frozen or dropped connections, without loss."""
        self._run(self._thaw)

    def _cut(self) -> None:
        for connection in list(self._connections):
            connection.cut()

    def _drop(self) -> None:
        for connection in self._connections:
            connection.flowing.clear()

    def _freeze(self) -> None:
        self._open.clear()
        self._drop()

    def _thaw(self) -> None:
        self._open.set()
        for connection in self._connections:
            connection.flowing.set()
