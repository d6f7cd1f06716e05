"""All frames that have arrived are handled at once, each once and in order, whatever happens in between."""

import socket
from struct import pack
from threading import Timer
from types import SimpleNamespace

import pytest
from amqp.transport import TCPTransport

from shop.messaging import reading
from shop.messaging.reading import read_in_gulps


class Wire:
    """A connection to a broker that is the test itself, and an event loop that it turns."""

    def __init__(self):
        self.broker, sock = socket.socketpair()
        transport = TCPTransport("localhost")
        transport.sock, transport.connected = sock, True
        transport._setup_transport()
        self.handled, self.soon = [], []
        self.connection = SimpleNamespace(
            transport=transport, sock=sock, connected=True, on_inbound_frame=self.handle
        )
        hub = SimpleNamespace(add_reader=self.add_reader, call_soon=lambda *call: self.soon.append(call))
        read_in_gulps(self.connection, hub)

    def add_reader(self, sock, callback, *args):
        self.reader = (callback, *args)

    def handle(self, frame):
        self.handled.append(frame[2])

    def send(self, *payloads):
        self.broker.sendall(b"".join(map(framed, payloads)))

    def is_readable(self):
        callback, *args = self.reader
        callback(*args)

    def turn(self):
        """What the loop does with what it was asked to call soon."""
        calls, self.soon = self.soon, []
        for callback, *args in calls:
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
    assert wire.soon == []


def test_a_frame_that_is_not_all_here_waits_for_the_rest_and_holds_up_nobody(wire):
    whole = framed(b"one") + framed(b"two") + framed(b"three")
    for n in range(len(whole)):
        wire.broker.sendall(whole[n : n + 1])
        wire.is_readable()
    assert wire.handled == [b"one", b"two", b"three"]


def test_a_large_frame_comes_in_gulps(wire):
    payload = bytes(range(256)) * 1000  # 256 kB
    rest = framed(payload) + framed(b"next")
    while rest:
        sent = wire.broker.send(rest[:50_000])
        rest = rest[sent:]
        wire.is_readable()
    assert wire.handled == [payload, b"next"]


def test_an_error_over_one_frame_loses_no_other(wire):
    def fail_once(frame):
        wire.handle(frame)
        if frame[2] == b"two":
            raise OSError("this channel is closed")

    wire.connection.on_inbound_frame = fail_once
    wire.send(b"one", b"two", b"three")
    with pytest.raises(OSError, match="this channel"):
        wire.is_readable()
    wire.turn()
    assert wire.handled == [b"one", b"two", b"three"]


def test_nothing_is_read_any_more_once_the_connection_is_closed(wire):
    def close(frame):
        wire.handle(frame)
        wire.connection.transport, wire.connection.connected = None, False

    wire.connection.on_inbound_frame = close
    wire.send(b"one", b"two")
    wire.is_readable()
    wire.turn()
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


def test_others_have_their_turn_while_much_is_here(wire, monkeypatch):
    monkeypatch.setattr(reading, "ROUND", 10)
    wire.send(*(b"%d" % n for n in range(25)))
    wire.is_readable()
    assert len(wire.handled) == 10
    wire.turn()
    wire.turn()
    assert wire.handled == [b"%d" % n for n in range(25)]


def test_a_broker_that_hangs_up_is_an_error(wire):
    wire.send(b"one")
    wire.broker.close()
    with pytest.raises(OSError, match="closed"):
        wire.is_readable()
    assert wire.handled == [b"one"]


def test_over_tls_kombu_reads_as_ever():
    hub = SimpleNamespace(add_reader=pytest.fail)
    read_in_gulps(SimpleNamespace(transport=object()), hub)
