"""A network that can be hurt: TCP proxies between the shop's processes and their servers."""

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
#: Closes a socket at once, telling the other side by a reset.
_LINGER = struct.pack("ii", 1, 0)
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Network:
    """Runs links in a thread of its own. Use it as a context manager: leaving it cuts them all."""

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
        """Forward what comes to a port near ``port`` to ``server_port()``, whatever that is by then."""
        link = Link(self.run, ports.pick(port), server_port)
        self._servers.append(self._wait(asyncio.start_server(link.serve, ports.LOOPBACK, link.port)))
        return link

    def run(self, action: Callable[[], None]) -> None:
        """Do something in the thread of the links."""

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
        await asyncio.sleep(0)  # now the closed connections' sockets are closed


class Wire:
    """One connection: what comes in on either side goes out on the other, as long as it flows."""

    def __init__(self, link: "Link", client: _Streams, server: _Streams) -> None:
        self._link, self._client, self._server = link, client, server
        self.flowing = asyncio.Event()
        if link.is_open:  # else it was frozen while this connection was made
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
                writer.close()  # what is written already still arrives

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
    """The way to one server. What hurts it may be called from any thread."""

    def __init__(
        self, run: Callable[[Callable[[], None]], None], port: int, server_port: Callable[[], int]
    ) -> None:
        self.port, self._server_port, self._run = port, server_port, run
        #: Seconds by which each piece of data is late.
        self.latency = 0.0
        self._wires: set[Wire] = set()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def is_open(self) -> bool:
        """Whether new connections are let through."""
        return self._open.is_set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        try:
            await self._open.wait()
            server = await asyncio.open_connection(ports.LOOPBACK, self._server_port())
        except (OSError, asyncio.CancelledError):
            _reset(writer)
            return
        wire = Wire(self, (reader, writer), server)
        self._wires.add(wire)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # the network is taken down
                await wire.carry()
        finally:
            self._wires.discard(wire)

    def cut(self) -> None:
        """Reset all connections; new ones can be made."""
        self._run(self._cut)

    def forget(self) -> None:
        """Make all connections half-open: nothing comes through any more, nobody is told; new ones work."""
        self._run(self._forget)

    def freeze(self) -> None:
        """Let nothing through, and no new connection either, without telling anybody."""
        self._run(self._freeze)

    def thaw(self) -> None:
        """Let all go on that was frozen or forgotten, as if nothing had been."""
        self._run(self._thaw)

    def _cut(self) -> None:
        for wire in list(self._wires):
            wire.cut()

    def _forget(self) -> None:
        for wire in self._wires:
            wire.flowing.clear()

    def _freeze(self) -> None:
        self._open.clear()
        self._forget()

    def _thaw(self) -> None:
        self._open.set()
        for wire in self._wires:
            wire.flowing.set()
