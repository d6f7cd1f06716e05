"""Network faults between a client and an echo server."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from dev.faults.network import Link, Network
from dev.processes.ports import LOOPBACK


class Echo(socketserver.BaseRequestHandler):
    """Server that answers with what it receives."""

    def handle(self) -> None:
        with suppress(ConnectionError):
            while data := self.request.recv(1024):
                self.request.sendall(data)


@pytest.fixture
def link() -> Iterator[Link]:
    server = socketserver.ThreadingTCPServer((LOOPBACK, 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    with server, Network() as network:
        yield network.link(port=23900, server_port=lambda: server.server_address[1])
        server.shutdown()


@pytest.fixture
def client(link: Link) -> Iterator[socket.socket]:
    with connect(link) as connection:
        yield connection


def connect(link: Link) -> socket.socket:
    return socket.create_connection((LOOPBACK, link.port), 10)


def ask(client: socket.socket, text: bytes) -> bytes:
    client.sendall(text)
    return client.recv(1024)


def is_silent(client: socket.socket) -> bool:
    client.settimeout(0.2)
    try:
        client.recv(1024)
    except TimeoutError:
        return True
    finally:
        client.settimeout(10)
    return False


def test_what_is_sent_comes_through_in_both_directions(client: socket.socket):
    assert ask(client, b"hello") == b"hello"


def test_a_cut_resets_connections_and_new_ones_can_be_made(link: Link, client: socket.socket):
    assert ask(client, b"hello") == b"hello"
    link.cut()
    with pytest.raises(ConnectionError):
        client.recv(1024)
    with connect(link) as another:
        assert ask(another, b"again") == b"again"


def test_a_forgotten_connection_stays_open_and_silent_while_new_ones_work(link: Link, client: socket.socket):
    assert ask(client, b"hello") == b"hello"
    link.drop()
    client.sendall(b"anybody?")
    assert is_silent(client)
    with connect(link) as another:
        assert ask(another, b"again") == b"again"


def test_what_was_sent_while_frozen_arrives_afterwards(link: Link, client: socket.socket):
    assert ask(client, b"hello") == b"hello"
    link.freeze()
    client.sendall(b"late")
    with connect(link) as another:
        another.sendall(b"later")
        assert is_silent(client)
        assert is_silent(another)
        link.thaw()
        assert client.recv(1024) == b"late"
        assert another.recv(1024) == b"later"


def test_a_server_that_is_down_resets_its_clients():
    with Network() as network:
        nowhere = network.link(port=23950, server_port=lambda: 1)
        with pytest.raises(ConnectionError), connect(nowhere) as client:
            client.recv(1024)
