"""Buffered reads of AMQP frames: all that have arrived, each once and in order."""

import socket
from struct import pack
from threading import Timer
from types import SimpleNamespace

import pytest
from amqp.transport import TCPTransport

from shop.messaging.bus.amqp_reader import read_buffered


class Connection:
    """Double of py-amqp's connection, which reconnects when its transport is accessed after close()."""

    def __init__(self, transport, sock, handle):
        self._transport, self.sock, self.on_inbound_frame, self.connected = transport, sock, handle, True

    @property
    def transport(self):
        assert self.connected, "this would open the connection again"
        return self._transport


class Wire:
    """A connection with the test as its broker and its event loop."""

    def __init__(self):
        self.broker, sock = socket.socketpair()
        transport = TCPTransport("localhost")
        transport.sock, transport.connected = sock, True
        transport._setup_transport()
        self.handled = []
        self.connection = Connection(transport, sock, self.handle)
        read_buffered(self.connection, SimpleNamespace(add_reader=self.add_reader))

    def add_reader(self, sock, callback, *args):
        self.reader = (callback, *args)

    def handle(self, frame):
        self.handled.append(frame[2])

    def send(self, *payloads):
        self.broker.sendall(b"".join(map(framed, payloads)))

    def is_readable(self):
        callback, *args = self.reader
        callback(*args)


def framed(payload):
    return pack(">BHI", 1, 7, len(payload)) + payload + b"\xce"


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.broker.close()
    wire.connection.sock.close()


def test_all_that_is_here_is_handled_at_once(wire):
    payloads = [b"%d" % n * (n + 1) for n in range(200)]
    wire.send(*payloads)
    wire.is_readable()
    assert wire.handled == payloads


def test_a_frame_that_is_not_all_here_waits_for_the_rest_and_holds_up_nobody(wire):
    whole = framed(b"one") + framed(b"two") + framed(b"three")
    for n in range(len(whole)):
        wire.broker.sendall(whole[n : n + 1])
        wire.is_readable()
    assert wire.handled == [b"one", b"two", b"three"]


def test_a_large_frame_comes_in_parts(wire):
    payload = bytes(range(256)) * 1000  # 256 kB
    rest = framed(payload) + framed(b"next")
    while rest:
        sent = wire.broker.send(rest[:50_000])
        rest = rest[sent:]
        wire.is_readable()
    assert wire.handled == [payload, b"next"]


def test_nothing_is_read_any_more_once_the_connection_is_closed(wire):
    def close(frame):
        wire.handle(frame)
        wire.connection.connected = False

    wire.connection.on_inbound_frame = close
    wire.send(b"one", b"two")
    wire.is_readable()
    wire.is_readable()
    assert wire.handled == [b"one"]


def test_who_waits_for_an_answer_in_between_gets_what_comes_next(wire):
    def wait(frame):
        wire.handle(frame)
        if frame[2] == b"one":
            wire.handled.append(wire.connection.transport.read_frame()[2] + b" awaited")

    wire.connection.on_inbound_frame = wait
    wire.send(b"one", b"two", b"three")
    wire.is_readable()
    assert wire.handled == [b"one", b"two awaited", b"three"]


def test_who_waits_for_an_answer_that_is_not_here_yet_waits(wire):
    def wait(frame):
        wire.handle(frame)
        if frame[2] == b"one":
            Timer(0.05, wire.send, [b"two"]).start()
            wire.handled.append(wire.connection.transport.read_frame()[2] + b" awaited")

    wire.connection.on_inbound_frame = wait
    wire.send(b"one")
    wire.is_readable()
    assert wire.handled == [b"one", b"two awaited"]


def test_a_broker_that_hangs_up_is_an_error(wire):
    wire.send(b"one")
    wire.broker.close()
    with pytest.raises(OSError, match="closed"):
        wire.is_readable()
    assert wire.handled == [b"one"]


def test_over_tls_kombu_reads_as_ever():
    hub = SimpleNamespace(add_reader=pytest.fail)
    read_buffered(SimpleNamespace(transport=object()), hub)
