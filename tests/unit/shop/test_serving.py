"""Web server: replacement of processes, graceful stop, slow clients, access log, port in use."""

import http.client
import logging
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import pytest

from dev.processes import children, ports, programs
from dev.processes.supervisor import Supervisor
from shop import serving
from tests.support.waiting import eventually

#: Body of a token request without a user name, answered with 400.
BODY = b'{"password": "guessed"}'
HEAD = (
    b"POST /api/v1/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" % len(BODY)
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
        server = supervisor["web"].child
        eventually(lambda: len(children.child_pids(server)) == 2)  # the first one suffices to be ready
        yield server
    finally:
        supervisor.kill()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def ask(port: int, path: str) -> bytes:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read()


def is_served(port: int) -> bool:
    return ask(port, "/healthz") == b"ok"


@contextmanager
def ask_for_a_body(port: int) -> Iterator[socket.socket]:
    """Open a request for whose body a thread waits."""
    with connect(port) as client:
        client.sendall(HEAD)
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        yield client


def test_processes_that_are_killed_have_successors_however_often(server: children.Child, port: int) -> None:
    _, other = children.child_pids(server)

    for _ in range(3):
        dying, *_ = {*children.child_pids(server)} - {other}
        os.kill(dying, signal.SIGKILL)
        eventually(lambda dying=dying: len({*children.child_pids(server)} - {dying}) == 2)

    assert other in children.child_pids(server)
    assert is_served(port)


def test_whoever_serves_ends_with_a_server_that_is_killed(server: children.Child, port: int) -> None:
    serving = [psutil.Process(pid) for pid in children.child_pids(server)]

    with ask_for_a_body(port):
        children.send(server, signal.SIGKILL)

        _, alive = psutil.wait_procs(serving, timeout=30)

    assert not alive
    assert ports.is_free(port)


def test_a_request_in_hand_is_answered_before_the_server_stops(server: children.Child, port: int) -> None:
    with ask_for_a_body(port) as client:
        children.send(server, signal.SIGTERM)
        eventually(lambda: not ports.is_listening(port))
        client.sendall(BODY)

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


def test_what_a_client_asks_for_is_one_line_of_the_access_log(
    env: dict[str, str], port: int, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    server = children.start_child(
        [sys.executable, "-m", "shop.serving"], env={**env, "SHOP_ACCESS_LOG": "1"}, log=log
    )
    try:
        eventually(lambda: ports.is_listening(port))
        ask(port, "/healthz%0aforged%1b%C3%A9")
        eventually(lambda: '"GET /healthz' in log.read_text())
    finally:
        children.stop_children([server])

    (line,) = (line for line in log.read_text().splitlines() if "forged" in line and "Not Found" not in line)
    assert '"GET /healthz%0Aforged%1B%C3%A9 HTTP/1.1" 404' in line


@pytest.mark.parametrize("path", ["/o/{}/", "/accounts/confirm/{}/", "/accounts/password/MQ/{}/"])
def test_tokens_of_links_are_not_logged_whole(path: str) -> None:
    token = "AZrxkVk0dQ6:1vPq0Z:c2lnbmVk-by_the_key"
    record = logging.LogRecord("granian.access", 20, "", 0, "%(path)s", ({"path": path.format(token)},), None)
    assert serving._quote_path(record)
    assert record.getMessage() == f"{path.format(token[:8])[:-1]}…/"


@pytest.mark.parametrize("where", ["127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1", ":8000"])
def test_a_place_to_listen_that_is_none_is_refused(env: dict[str, str], where: str) -> None:
    error = failed_start({**env, "SHOP_BIND": where})

    assert f"SHOP_BIND={where}: " in error
    assert "as in 127.0.0.1:8000" in error


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "[::]"])  # noqa: S104
def test_a_port_that_another_server_has_is_refused(
    server: children.Child, env: dict[str, str], port: int, address: str
) -> None:
    where = f"{address}:{port}"
    error = failed_start({**env, "SHOP_BIND": where})
    assert f"SHOP_BIND={where}: " in error
    assert "Address already in use" in error
    assert is_served(port)


def failed_start(env: dict[str, str]) -> str:
    """Start a server that exits with an error, and return its error output."""
    argv = [sys.executable, "-m", "shop.serving"]
    process = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 1
    return process.stderr
