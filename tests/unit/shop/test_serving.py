"""The web server: who serves, what becomes of requests in hand, and of a port that two want."""

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

from script.support import children, ports, programs
from script.support.processes import Supervisor

#: Of somebody who wants a token and says no name.
BODY = b'{"password": "guessed"}'
HEAD = (
    b"POST /api/v1/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY)
)


@pytest.fixture
def port() -> int:
    return ports.pick(random.randrange(24_000, 28_000))


@pytest.fixture
def env(port: int) -> dict[str, str]:
    env = programs.environment(database_url=os.environ["DATABASE_URL"], broker_url="memory://")
    return {**env, "SHOP_BIND": f"127.0.0.1:{port}"}


@pytest.fixture
def server(env: dict[str, str], port: int, tmp_path: Path) -> Iterator[children.Child]:
    supervisor = Supervisor(tmp_path / "log", report=print)
    try:
        supervisor.start(programs.web(env, port=port))
        supervisor.wait_ready()
        yield supervisor["web"].child
    finally:
        supervisor.kill()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def is_served(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/healthz")
        return connection.getresponse().read() == b"ok"


def test_one_process_that_is_killed_has_a_successor(server: children.Child, port: int) -> None:
    one, other = children.offspring(server)

    os.kill(one, signal.SIGKILL)

    wait_until(lambda: len({*children.offspring(server)} - {one}) == 2)
    assert other in children.offspring(server)
    assert is_served(port)


def test_whoever_serves_ends_with_a_server_that_is_killed(server: children.Child, port: int) -> None:
    serving = [psutil.Process(pid) for pid in children.offspring(server)]

    children.send(server, signal.SIGKILL)

    _, alive = psutil.wait_procs(serving, timeout=30)
    assert not alive
    assert ports.is_free(port)


def test_a_request_in_hand_is_answered_before_the_server_stops(server: children.Child, port: int) -> None:
    with connect(port) as client:
        client.sendall(HEAD + BODY[:10])
        assert is_served(port)

        children.send(server, signal.SIGTERM)
        wait_until(lambda: not ports.answers(port))
        client.sendall(BODY[10:])

        with client.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 400 ")
    assert server.wait(30) == 0


def test_clients_that_are_slow_to_say_what_they_want_keep_nobody_waiting(
    server: children.Child, port: int
) -> None:
    with ExitStack() as slow:
        for _ in range(16):
            slow.enter_context(connect(port)).sendall(HEAD[:40])

        assert all(is_served(port) for _ in range(8))


@pytest.mark.parametrize("where", ["127.0.0.1:99999", "127.0.0.1", ":8000", "nowhere.invalid:8000"])
def test_a_place_to_listen_that_is_none_is_refused(env: dict[str, str], where: str) -> None:
    told = serve({**env, "SHOP_BIND": where})

    assert f"SHOP_BIND={where}: " in told
    assert "as in 127.0.0.1:8000" in told


def test_a_port_that_another_server_has_is_refused(
    server: children.Child, env: dict[str, str], port: int
) -> None:
    assert f"SHOP_BIND=127.0.0.1:{port}: [Errno 98] Address already in use" in serve(env)
    assert is_served(port)


def serve(env: dict[str, str]) -> str:
    """What a server says that does not start."""
    argv = [sys.executable, "-m", "shop.serving"]
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    return ended.stderr
