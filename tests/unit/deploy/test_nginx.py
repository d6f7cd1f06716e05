"""deploy/nginx/nginx.conf in front of a running shop: slow clients, sizes, headers, streams."""

import datetime
import json
import os
import random
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.nginx import REMEDY, find_nginx
from dev.paths import ROOT
from dev.processes import children, ports
from shop.rest.problem_types import PROBLEM_TYPES
from shop.security.headers import DATA, policy
from tests.support.servers import in_ci
from tests.support.slow_clients import BODY, HEAD
from tests.support.waiting import eventually
from tests.support.web_server import web_server

CONFIGURATION = ROOT / "deploy" / "nginx" / "nginx.conf"
VIEWS = """
import time
from django.http import JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def echo(request):
    meta = {name: value for name, value in request.META.items() if isinstance(value, str)}
    return JsonResponse({"length": len(request.body), "meta": meta})

def parts():
    for _ in range(4):
        yield b"part "
        time.sleep(0.5)

VIEWS = {"echo": echo, "stream": lambda request: StreamingHttpResponse(parts())}
"""

#: What nginx keeps files for.
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Proxy:
    """A running nginx."""

    http: int
    https: int
    context: ssl.SSLContext

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=30)
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> HTTPResponse:
        client = HTTPSConnection("localhost", self.https, timeout=30, context=self.context)
        with closing(client):
            client.request(method, path, body, headers, encode_chunked=not isinstance(body, bytes))
            response = client.getresponse()
            response.text = response.read().decode()  # type: ignore[attr-defined]
            return response

    def echoed(self, method: str = "GET", body: object = None, **headers: str) -> dict[str, object]:
        return json.loads(self.ask(method, "/echo", body, **headers).text)


@pytest.fixture(scope="module")
def nginx() -> str:
    """Path of nginx. Without one the test is skipped; in CI it fails."""
    found = find_nginx(os.environ)
    if not found:
        (pytest.fail if in_ci() else pytest.skip)(f"There is no nginx. {REMEDY}")
    return found


@pytest.fixture(scope="module")
def proxy(nginx: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    with web_server(folder, VIEWS, DJANGO_HTTPS="1") as shop, serving(nginx, folder, shop.port) as proxy:
        yield proxy


@contextmanager
def serving(nginx: str, folder: Path, shop: int) -> Iterator[Proxy]:
    """Run nginx in front of a port until the end of the block."""
    write_certificate(folder)
    http = ports.pick(random.randrange(28_000, 30_000))
    https = ports.pick(http + 1)
    own = folder / "nginx.conf"
    feed = ports.pick(https + 1)  # nothing listens there
    text = configured(CONFIGURATION.read_text(), folder, shop=shop, feed=feed, http=http, https=https)
    own.write_text(text)
    argv = [nginx, "-p", str(folder), "-c", str(own), "-g", "daemon off;"]
    process = children.start_child(argv, env=dict(os.environ), log=folder / "nginx.log")
    try:
        eventually(lambda: ports.is_listening(https) or children.has_ended(process))
        yield Proxy(http, https, ssl.create_default_context(cafile=str(folder / "shop.crt")))
    finally:
        children.stop_children([process])
        print((folder / "nginx.log").read_text())


def configured(text: str, folder: Path, *, shop: int, feed: int, http: int, https: int) -> str:
    """Fill in what an operator does, and paths and ports of our own; shorten the waits."""
    own = {
        r"user www-data;": "",
        r"/(run|var/log|etc/ssl)/(nginx/)?\w+\.(pid|log|crt|key)": lambda m: str(folder / Path(m[0]).name),
        r"127\.0\.0\.1:8000": f"127.0.0.1:{shop}",
        r"127\.0\.0\.1:8001": f"127.0.0.1:{feed}",
        r"listen 80;": f"listen 127.0.0.1:{http};",
        r"listen 443": f"listen 127.0.0.1:{https}",
        r"server_name shop\.example\.com": "server_name localhost",
        r"(client_header_timeout|client_body_timeout) 10s": r"\1 1s",
        r"(?=    server_tokens off;)": "".join(
            f"    {name}_temp_path {folder / name};\n" for name in _TEMPORARY
        ),
    }
    for pattern, replacement in own.items():
        text, found = re.subn(pattern, replacement, text)
        assert found, f"nginx.conf has no {pattern} any more"
    return ("user root;\n" if os.geteuid() == 0 else "") + text


def write_certificate(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "shop.crt").write_bytes(certificate.public_bytes(pem))
    encoded = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "shop.key").write_bytes(encoded)


def answer_of(client: ssl.SSLSocket) -> bytes:
    try:
        return client.recv(1000)
    except TimeoutError:
        raise
    except OSError:
        return b""


def test_the_shop_is_reached_over_tls_alone(proxy: Proxy):
    assert proxy.ask("GET", "/healthz").status == 200
    with closing(HTTPConnection("localhost", proxy.http, timeout=30)) as client:
        client.request("GET", "/healthz?a=b")
        redirect = client.getresponse()
    assert (redirect.status, redirect.headers["Location"]) == (308, "https://localhost/healthz?a=b")


@pytest.mark.parametrize("beginning", [HEAD, BODY], ids=["head", "body"])
def test_nginx_cuts_a_slow_client_off(proxy: Proxy, beginning: bytes):
    with closing(proxy.connect()) as client:
        client.sendall(beginning)
        answer = answer_of(client)
    assert not answer or b" 408 " in answer


def test_slow_clients_of_nginx_hold_up_nobody(proxy: Proxy):
    slow = [proxy.connect() for _ in range(20)]
    try:
        for client in slow:
            client.sendall(BODY)
        assert all(proxy.ask("GET", "/healthz").status == 200 for _ in range(5))
    finally:
        for client in slow:
            client.close()


def test_sizes_are_bounded_twice(proxy: Proxy):
    assert proxy.echoed("POST", b"a" * 256 * 1024)["length"] == 256 * 1024
    by_the_shop = proxy.ask("POST", "/api/v1/token", b"a" * 300_000, **{"Content-Type": "application/json"})
    assert (by_the_shop.status, by_the_shop.headers["Content-Type"]) == (413, "application/problem+json")
    by_nginx = proxy.ask("POST", "/echo", b"a" * 600_000)
    assert (by_nginx.status, by_nginx.headers["Content-Type"]) == (413, "text/html")
    assert proxy.ask("GET", "/echo", Cookie="a" * 40_000).status == 400


def problem_of(answer: HTTPResponse) -> dict[str, object]:
    """Return a problem document, checked against the shop's catalogue."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == policy(DATA)
    problem = json.loads(answer.text)
    kind = PROBLEM_TYPES[problem["code"]]
    assert problem.items() >= {"title": kind.title, "type": kind.url, "status": answer.status}.items()
    return problem


@pytest.mark.parametrize("path", ["/api/v1/token", "/api/v1/token?a=b", '/api/v1/"}'])
def test_what_nginx_refuses_under_the_api_is_a_problem(proxy: Proxy, path: str):
    problem = problem_of(proxy.ask("POST", path, b"a" * 600_000))
    assert (problem["status"], problem["code"]) == (413, "too_large")
    assert problem["instance"] in {"/api/v1/token", "/api/v1/"}


def test_while_the_shop_is_away_the_api_answers_with_problems(nginx: str, tmp_path: Path):
    with serving(nginx, tmp_path, ports.pick(random.randrange(24_000, 28_000))) as proxy:
        problem = problem_of(proxy.ask("GET", "/api/v1/orders"))
        page = proxy.ask("GET", "/")
    assert (problem["status"], problem["code"]) == (502, "unavailable")
    assert (page.status, page.headers["Content-Type"]) == (502, "text/html")


@pytest.mark.parametrize("path", ["/api/v1/events?after=now", f"/api/v1/orders/{UUID(int=1)}/events"])
def test_the_feed_has_a_route_of_its_own(proxy: Proxy, path: str):
    assert proxy.ask("GET", path).status == 502  # the feed is away, and the shop is not
    assert proxy.ask("GET", f"/api/v1/orders/{UUID(int=1)}").status == 401


def test_a_body_in_chunks_arrives_whole_behind_nginx(proxy: Proxy):
    assert proxy.echoed("POST", iter([b"a" * 1000] * 20))["length"] == 20_000


def test_what_a_client_says_about_itself_is_replaced(proxy: Proxy):
    lies = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=1.2.3.4",
        "X-Real-IP": "1.2.3.4",
        "X_Forwarded_For": "1.2.3.4",
    }
    meta = proxy.echoed(**lies)["meta"]
    assert (meta["HTTP_X_FORWARDED_FOR"], meta["HTTP_X_FORWARDED_PROTO"]) == ("127.0.0.1", "https")
    assert not {"HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST"} & meta.keys()
    assert not any("1.2.3.4" in str(value) for value in meta.values())


def test_a_stream_arrives_as_it_is_sent(proxy: Proxy):
    client = HTTPSConnection("localhost", proxy.https, timeout=30, context=proxy.context)
    with closing(client):
        client.request("GET", "/stream")
        response = client.getresponse()
        moments = [time.monotonic()]
        while response.read1(100):
            moments.append(time.monotonic())
    assert len(moments) == 5
    assert moments[1] - moments[0] < (moments[-1] - moments[0]) / 2
