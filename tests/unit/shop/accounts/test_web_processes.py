"""The guard over real web processes: guessers are refused, and customers do not wait for them."""

import http.client
import itertools
import json
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from django.contrib.auth.hashers import make_password

from dev.processes import ports, programs
from dev.processes.supervisor import Supervisor
from tests.support.servers import fresh_database
from tests.support.waiting import eventually

GUESSERS, LIMIT = 4, 12
PASSWORD = "correct horse battery staple"


class Shop:
    """Web server of two processes behind a proxy."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self._token = port, token

    def log_in(self, name: str, password: str, *, address: str) -> tuple[int, http.client.HTTPMessage]:
        """Give a password at the token's door, through the proxy."""
        body = json.dumps({"username": name, "password": password})
        headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
        return self._ask("POST", "/api/v1/token", body, headers)

    def list_duration(self) -> float:
        """Return the seconds that a customer waits for her list."""
        started = time.monotonic()
        status, _ = self._ask("GET", "/api/v1/orders", None, {"Authorization": f"Token {self._token}"})
        assert status == 200
        return time.monotonic() - started

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            return response.status, response.headers


@pytest.fixture
def shop(hashers_of_the_shop, prepared, server_url, tmp_path) -> Iterator[Shop]:
    template, tokens = prepared
    with fresh_database(server_url, template=template) as url:
        with psycopg.connect(url) as session:
            hashed = make_password(PASSWORD)
            session.execute("update auth_user set password = %s where username = 'grace'", [hashed])
        env = programs.environment(database_url=url, broker_url="memory://")
        env |= {"SHOP_TRUSTED_PROXIES": "127.0.0.0/8", "SHOP_LOGINS_AN_ADDRESS": str(LIMIT)}
        port = ports.pick(random.randrange(24_000, 28_000))
        supervisor = Supervisor(tmp_path / "log", report=print)
        try:
            supervisor.start(programs.web(env, port=port))
            supervisor.wait_ready()
            yield Shop(port, tokens["ada"])
        finally:
            supervisor.kill()


def test_guessers_are_refused_over_all_processes_and_a_customer_does_not_wait(shop):
    quiet = [shop.list_duration() for _ in range(30)]
    answers: list[int] = []
    done = threading.Event()

    def guess(guesser: int) -> None:
        for n in itertools.takewhile(lambda _: not done.is_set(), itertools.count()):
            answers.append(shop.log_in(f"customer-{guesser}-{n}", "password1", address="192.0.2.66")[0])

    guessers = [threading.Thread(target=guess, args=(n,)) for n in range(GUESSERS)]
    for guesser in guessers:
        guesser.start()
    try:
        eventually(lambda: answers)
        busy = [shop.list_duration() for _ in range(60)]
        eventually(lambda: len(answers) > 50 and set(answers[-50:]) == {429}, within=60)
    finally:
        done.set()
        for guesser in guessers:
            guesser.join()

    counted = Counter(answers)
    # Attempts that are under way at the same moment count, even if they find no room.
    assert LIMIT - GUESSERS < counted[400] <= LIMIT, counted
    assert set(counted) <= {400, 429, 503}
    status, headers = shop.log_in("grace", PASSWORD, address="192.0.2.66")
    assert status == 429
    assert int(headers["Retry-After"]) > 60
    assert shop.log_in("grace", PASSWORD, address="198.51.100.7")[0] == 200
    # Without the guard it is about a hundred times as long, as all threads look at passwords.
    assert statistics.median(busy) < 15 * statistics.median(quiet)
