"""Front of a web process: bodies in chunks, slow clients, sizes, headers with underscores."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from shop.security.headers import COMMON
from tests.support.slow_clients import percentile, response_times, slow_clients
from tests.support.waiting import eventually
from tests.support.web_server import WebServer, web_server

#: Answers with what has arrived.
VIEWS = """
import time
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def echo(request):
    meta = {name: value for name, value in request.META.items() if isinstance(value, str)}
    return JsonResponse({"body": request.body.decode("latin-1"), "meta": meta})

def nap(request, seconds):
    time.sleep(seconds)
    return JsonResponse({})

VIEWS = {"echo": echo, "api/v1/echo": echo, "nap/<int:seconds>": nap}
"""
#: Seconds for a head and for a body.
TIMEOUT = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    timeouts = {"SHOP_HEAD_TIMEOUT_SECONDS": str(TIMEOUT), "SHOP_BODY_TIMEOUT_SECONDS": str(TIMEOUT)}
    with web_server(tmp_path_factory.mktemp("front"), VIEWS, **timeouts) as running:
        yield running


def ask(server: WebServer, method: str, path: str, body: object = None, **headers: str) -> HTTPResponse:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, path, body, headers, encode_chunked=not isinstance(body, bytes))
        response = connection.getresponse()
        response.text = response.read().decode()  # type: ignore[attr-defined]
        return response


def echoed(server: WebServer, method: str, body: object = None, **headers: str) -> dict[str, object]:
    return json.loads(ask(server, method, "/echo", body, **headers).text)


@pytest.mark.parametrize("chunks", [[b"a"], [b"a" * 1000, b"b" * 100_000, b"c"], [b"\xff\x00"] * 50])
def test_a_body_in_chunks_arrives_whole(server: WebServer, chunks: list[bytes]):
    arrived = echoed(server, "POST", iter(chunks))
    assert arrived["body"] == b"".join(chunks).decode("latin-1")
    assert arrived["meta"]["CONTENT_LENGTH"] == str(len(b"".join(chunks)))
    assert "HTTP_TRANSFER_ENCODING" not in arrived["meta"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/echo", "/api/v1/echo"])
def test_a_body_that_is_too_long_is_not_read_to_its_end(server: WebServer, chunked: bool, path: str):
    """Its end never comes: who waits for it answers 408."""
    body = b"a" * (256 * 1024 + 1)
    first_chunk = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b" % (len(body), body)
    begun = first_chunk if chunked else b"Content-Length: %d\r\n\r\n" % len(body)
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as client:
        client.sendall(b"POST %b HTTP/1.1\r\nHost: localhost\r\n%b" % (path.encode(), begun))
        refused = client.recv(1000)
    assert refused.startswith(b"HTTP/1.1 413 ")
    assert (b"application/problem+json" in refused) == path.startswith("/api/")


def test_a_body_in_thousands_of_chunks_is_not_read_to_its_end(server: WebServer):
    refused = ask(server, "POST", "/echo", iter([b"a"] * 5000))
    assert refused.status == 413
    assert "chunks" in refused.text


@pytest.mark.parametrize("path", ["/echo", "/api/v1/echo"])
def test_a_refusal_has_the_security_headers_of_data(server: WebServer, path: str):
    refused = ask(server, "POST", path, b"a" * (256 * 1024 + 1)).headers
    assert refused["X-Content-Type-Options"] == "nosniff"
    assert refused["Content-Security-Policy"].startswith("default-src 'none'")
    by_the_application = ask(server, "GET", "/api/v1/nothing").headers
    assert {name: refused[name] for name in COMMON} == {name: by_the_application[name] for name in COMMON}


def test_a_body_of_the_largest_size_arrives(server: WebServer):
    assert echoed(server, "POST", b"a" * 256 * 1024)["body"] == "a" * 256 * 1024


def test_a_head_that_is_too_long_is_refused(server: WebServer):
    assert ask(server, "GET", "/echo", Cookie="a" * 500_000).status == 431


def test_a_body_in_chunks_that_breaks_off_is_not_taken_for_whole(server: WebServer):
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as client:
        client.sendall(head + b"3\r\nabc\r\n")
        client.shutdown(socket.SHUT_WR)
        assert b" 200 " not in client.recv(1000)


def test_a_header_with_underscores_does_not_pass_for_another(server: WebServer):
    meta = echoed(server, "GET", **{"X_Forwarded_For": "1.2.3.4", "X-Forwarded-Proto": "http", "a-b": "c"})[
        "meta"
    ]
    assert "HTTP_X_FORWARDED_FOR" not in meta
    assert meta["HTTP_X_FORWARDED_PROTO"] == "http"
    assert meta["HTTP_A_B"] == "c"


def test_the_environment_of_the_process_is_none_of_the_requests(server: WebServer):
    assert not {"DJANGO_SECRET_KEY", "DATABASE_URL"} & echoed(server, "GET")["meta"].keys()


def test_a_path_is_decoded_once(server: WebServer):
    assert ask(server, "GET", "/echo%3Fa").status == 404
    assert json.loads(ask(server, "GET", "/echo?a=%3Db").text)["meta"]["QUERY_STRING"] == "a=%3Db"


def test_slow_heads_and_bodies_are_cut_off(server: WebServer):
    began = time.monotonic()
    with slow_clients(server.port, heads=1, bodies=1) as (head, body):
        assert body.recv(100).startswith(b"HTTP/1.1 408 ")
        eventually(lambda: is_closed(head), within=10 * TIMEOUT)
    assert time.monotonic() - began > TIMEOUT / 2


def test_a_body_that_arrives_while_all_threads_are_busy_is_not_late(tmp_path: Path):
    settings = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "1", "SHOP_BODY_TIMEOUT_SECONDS": "2"}
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    with web_server(tmp_path, VIEWS, **settings) as server:
        address = ("127.0.0.1", server.port)
        with socket.create_connection(address) as waiting, socket.create_connection(address) as napping:
            waiting.sendall(head)
            assert ask(server, "GET", "/nap/0").status == 200  # the head has been taken before
            napping.sendall(b"GET /nap/3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            waiting.sendall(b"abc")
            assert waiting.recv(1000).startswith(b"HTTP/1.1 200 ")


def is_closed(client: socket.socket) -> bool:
    try:
        return b"408" in (answer := client.recv(1000)) or not answer
    except TimeoutError:
        return False
    except OSError:
        return True


def test_hundreds_of_slow_clients_slow_nobody_down(tmp_path_factory: pytest.TempPathFactory):
    """Of two servers one has slow clients; whatever else the machine does slows both."""
    folder = tmp_path_factory.mktemp
    with (
        web_server(folder("idle"), WEB_CONCURRENCY="1") as idle,
        web_server(folder("slow"), WEB_CONCURRENCY="1", SHOP_HEAD_TIMEOUT_SECONDS="60") as busy,
        slow_clients(busy.port, heads=600, bodies=600),
    ):
        times: dict[int, list[float]] = {idle.port: [], busy.port: []}
        for _ in range(60):
            for port, measured in times.items():
                measured += response_times(port, "/accounts/login/", 3)
    usual, meanwhile = (sorted(measured[30:]) for measured in times.values())
    assert percentile(meanwhile, 0.5) < 2 * percentile(usual, 0.5)
    assert percentile(meanwhile, 0.9) < 2 * percentile(usual, 0.99)
