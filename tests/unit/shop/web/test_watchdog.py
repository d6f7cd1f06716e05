"""Watchdog: a view that produces no byte costs its process, which is replaced; a stream may take long."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from types import SimpleNamespace

import pytest

from shop.web.watchdog import Desks, watch
from tests.support.waiting import eventually
from tests.support.web_server import WebServer, web_server

#: The first view holds Python's lock for ever, as a regular expression may.
VIEWS = """
import re, time
from django.http import StreamingHttpResponse

def stuck(request):
    re.match("(a+)+$", "a" * 64 + "b")

def parts():
    for _ in range(30):
        yield b"part "
        time.sleep(0.1)

VIEWS = {"stuck": stuck, "stream": lambda request: StreamingHttpResponse(parts())}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Server whose views have a second for their first byte."""
    folder = tmp_path_factory.mktemp("watchdog")
    with web_server(folder, VIEWS, SHOP_VIEW_TIMEOUT_SECONDS="1", WEB_CONCURRENCY="1") as running:
        yield running


def ask(port: int, path: str) -> bytes:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read()


def is_served(port: int) -> bool:
    with suppress(OSError, HTTPException):
        return ask(port, "/healthz") == b"ok"
    return False


def test_a_view_that_produces_no_byte_costs_its_process_and_another_takes_its_place(server: WebServer):
    with pytest.raises(OSError, match=r"reset|closed|without response"):
        ask(server.port, "/stuck?token=secret")

    eventually(lambda: is_served(server.port), within=60)
    text = server.log.read_text()
    assert "no answer for" in text
    assert "GET /stuck" in text
    assert "secret" not in text
    assert "in stuck" in text, "the log shows where the view stood"


def test_a_stream_may_take_longer_than_a_view(server: WebServer):
    assert ask(server.port, "/stream") == b"part " * 30


def test_only_the_process_with_the_late_view_is_ended():
    desks = Desks(processes=2, threads=2)
    sleepers = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    try:
        request = SimpleNamespace(method="GET", path="/")
        desks.of_process(0)[0].begin(request)
        desks.of_process(1)[1].begin(request)
        desks.of_process(0)[0].clear()
        watch(desks, lambda: [sleeper.pid for sleeper in sleepers], limit=0)
        assert sleepers[1].wait(10) == -signal.SIGABRT
        assert sleepers[0].poll() is None
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
