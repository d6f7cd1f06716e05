"""The web server's processes share out the connections that their clients keep."""

import http.client
import os
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

from script.support import children, ports, programs
from script.support.processes import Supervisor


@pytest.fixture
def port() -> int:
    return ports.pick(random.randrange(24_000, 28_000))


@pytest.fixture
def processes(port: int, tmp_path: Path) -> Iterator[list[psutil.Process]]:
    """The two processes that serve."""
    env = programs.environment(database_url=os.environ["DATABASE_URL"], broker_url="memory://")
    supervisor = Supervisor(tmp_path / "log", report=print)
    try:
        supervisor.start(programs.web(env, port=port))
        supervisor.wait_ready()
        yield [psutil.Process(pid) for pid in children.offspring(supervisor["web"].child)]
    finally:
        supervisor.kill()


def kept_by(process: psutil.Process, port: int) -> int:
    """How many connections of clients it has."""
    established = [it for it in process.net_connections("tcp") if it.status == psutil.CONN_ESTABLISHED]
    return sum(1 for it in established if it.laddr.port == port)


def test_whoever_has_fewer_connections_gets_the_next(processes: list[psutil.Process], port: int) -> None:
    one, other = processes

    with ExitStack() as kept:

        def ask(count: int) -> None:
            for _ in range(count):
                connection = kept.enter_context(
                    closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))
                )
                connection.request("GET", "/healthz")
                assert connection.getresponse().read() == b"ok"

        other.send_signal(signal.SIGSTOP)
        ask(16)
        other.send_signal(signal.SIGCONT)
        ask(16)

        assert kept_by(one, port) + kept_by(other, port) == 32
        assert kept_by(other, port) >= 12  # all 16, unless it was kept from waking for too long
