"""The feed's own process: waiting readers, event streams, and the web server that passes requests on."""

import http.client
import json
import random
import re
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from dev.load.api import Api
from dev.processes import ports, programs
from dev.processes.supervisor import Supervisor
from tests.support.servers import as_running_role, fresh_database
from tests.support.waiting import eventually

EVENTS = "/api/v1/events"
ORDER = {
    "ship_to": {
        "name": "Ada Lovelace",
        "street": "St James's Square 12",
        "postal_code": "SW1Y 4LB",
        "city": "London",
        "country": "GB",
    },
    "payment_method": "pm_card_visa",
    "lines": [{"sku": "MUG-BLUE", "quantity": 1}],
}


class Stream:
    """An event stream, read event by event."""

    def __init__(self, port: int, path: str, token: str, **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        given = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream", **headers}
        self._connection.request("GET", path, headers=given)
        self.response = self._connection.getresponse()
        #: Position of the last event.
        self.last = ""

    def fields(self) -> Iterator[tuple[str, str]]:
        while line := self.response.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            yield name, value

    def next(self) -> dict:
        """Return the next event; what comes between has no data."""
        while not (found := dict(self.fields())).get("data"):
            assert not self.response.isclosed(), "the stream has ended"
            self.last = found.get("id", self.last)
        self.last = found["id"]
        return json.loads(found["data"])

    def close(self) -> None:
        self._connection.close()


@dataclass
class Served:
    """A web server and the feed behind it."""

    port: int
    feed_port: int
    tokens: dict[str, str]
    url: str
    metrics: str

    def api(self, name: str = "ada") -> Api:
        return Api(self.port, self.tokens[name])

    def place(self, name: str = "ada") -> str:
        """Place an order and return its id."""
        return self.api(name).post("/api/v1/orders", ORDER)["id"]

    def newest(self, name: str = "olga") -> int:
        return self.api(name).get(f"{EVENTS}?after=now")["after"]

    @contextmanager
    def stream(self, path: str, name: str = "olga", *, port: int = 0, **headers: str) -> Iterator[Stream]:
        with closing(Stream(port or self.port, path, self.tokens[name], **headers)) as stream:
            assert stream.response.status == 200, stream.response.read()
            assert dict(stream.fields()).keys() == {"retry"}
            yield stream


@pytest.fixture(scope="module")
def served(prepared, server_url, tmp_path_factory) -> Iterator[Served]:
    template, tokens = prepared
    port, feed_port = (ports.pick(random.randrange(*span)) for span in ((24_000, 26_000), (26_000, 28_000)))
    with fresh_database(server_url, template=template) as url:
        env = programs.environment(database_url=as_running_role(url), broker_url="memory://")
        env |= {
            "SHOP_FEED": f"127.0.0.1:{feed_port}",
            "SHOP_FEED_SILENCE_SECONDS": "0.2",
            "SHOP_FEED_CHECK_SECONDS": "0.2",
            "SHOP_METRICS": "127.0.0.1:" + str(ports.pick(random.randrange(28_000, 30_000))),
            "SHOP_FEED_READERS_AN_ACCOUNT": "3",
            "SHOP_FEED_STREAM_BYTES": "10000",
            "WEB_CONCURRENCY": "1",
        }
        supervisor = Supervisor(tmp_path_factory.mktemp("log"), report=print)
        try:
            supervisor.start(programs.web({**env, "SHOP_METRICS": ""}, port=port))
            supervisor.start(programs.feed({**env, "PGAPPNAME": "feed"}, port=feed_port))
            supervisor.wait_ready()
            yield Served(port, feed_port, tokens, url, env["SHOP_METRICS"])
        finally:
            supervisor.kill()
            for log in supervisor._logs.glob("*.log"):
                print(log.name, log.read_text()[-3000:])


def test_a_stream_has_each_event_as_it_commits(served):
    with served.stream(f"{EVENTS}?after=now") as stream:
        first, second = served.place(), served.place("grace")
        assert [stream.next()["subject"] for _ in range(2)] == [first, second]


def test_a_stream_goes_on_where_it_was_interrupted(served):
    with served.stream(f"{EVENTS}?after=now") as stream:
        served.place()
        stream.next()
    missed = served.place()
    with served.stream(f"{EVENTS}?after=0", **{"Last-Event-ID": stream.last}) as again:
        assert again.next()["subject"] == missed


def test_a_long_stream_comes_in_parts_and_nothing_is_left_out(served):
    begin = served.newest()
    orders = [served.place() for _ in range(20)]
    seen: list[str] = []
    parts = 0
    while len(seen) < len(orders):
        with served.stream(f"{EVENTS}?after={begin}&limit=5") as stream:
            for line in stream.response.read().decode().splitlines():  # to its end
                if line.startswith("data: "):
                    seen.append(json.loads(line[6:])["subject"])
                elif line.startswith("id: "):
                    begin = int(line[4:])
        parts += 1
    assert seen == orders
    assert parts > 1


def test_a_customer_streams_his_own_orders_alone(served):
    with served.stream(f"{EVENTS}?after=now", "grace") as stream:
        served.place("ada")
        mine = served.place("grace")
        event = stream.next()
        assert event["subject"] == mine
        assert "data" not in event


def test_recent_events_of_others_are_passed_over(served):
    with served.stream(f"{EVENTS}?after=now") as everything:  # meanwhile the feed keeps recent events
        begin = served.newest()
        placed = [served.place("ada"), served.place("grace")]
        assert [everything.next()["subject"] for _ in placed] == placed
        with served.stream(f"{EVENTS}?after={begin}", "grace") as stream:
            assert stream.next()["subject"] == placed[1]


def test_an_order_has_a_stream(served):
    order = served.place()
    with served.stream(f"/api/v1/orders/{order}/events", "ada") as stream:
        assert stream.next()["type"] == "orders.OrderCreated.v2"
        served.place()
        served.api().post(f"/api/v1/orders/{order}/cancel")
        assert stream.next()["type"] == "orders.OrderCancellationRequested.v1"


def test_a_page_waits_for_its_first_event(served):
    after = served.newest()
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)) as waiting:
        headers = {"Authorization": f"Bearer {served.tokens['olga']}", "Prefer": "wait=30"}
        waiting.request("GET", f"{EVENTS}?after={after}", headers=headers)
        order = served.place()
        page = json.loads(waiting.getresponse().read())
    assert [one["event"]["subject"] for one in page["results"]] == [order]
    nothing = served.api("olga").get(f"{EVENTS}?after={page['after']}&wait=0.1")
    assert nothing["results"] == []
    assert nothing["after"] >= page["after"]


def test_a_silent_stream_moves_its_place_on(served):
    with served.stream(f"{EVENTS}?after=now", "grace") as stream:
        served.place("ada")
        newest = served.newest()
        while dict(stream.fields()).get("id") != str(newest):
            pass


def test_a_stream_ends_with_its_key(served):
    key = served.api("grace").post("/api/v1/keys", {"name": "short", "scopes": ["events:read"]})
    served.tokens["short"] = key["key"]
    with served.stream(f"{EVENTS}?after=now", "short") as stream:
        with psycopg.connect(served.url) as session:
            session.execute("update accounts_apikey set expires_at = now() where id = %s", [key["id"]])
        assert stream.response.read() is not None  # to its end


def test_an_account_has_a_few_readers_and_a_closed_one_is_forgotten(served):
    streams = [served.stream(f"{EVENTS}?after=now") for _ in range(3)]
    for stream in streams:
        stream.__enter__()
    with closing(Stream(served.port, EVENTS, served.tokens["olga"])) as refused:
        assert refused.response.status == 429
        assert refused.response.getheader("Content-Type") == "application/problem+json"
    for stream in streams:
        stream.__exit__(None, None, None)

    def is_free() -> bool:
        with closing(Stream(served.port, EVENTS, served.tokens["olga"])) as stream:
            return stream.response.status == 200

    eventually(is_free)


def test_readers_that_wait_are_counted(served):
    def readers() -> str:
        with urllib.request.urlopen(f"http://{served.metrics}/metrics", timeout=30) as response:
            [line] = re.findall(r"^shop_feed_readers .*$", response.read().decode(), re.MULTILINE)
            return line

    with served.stream(f"{EVENTS}?after=now"):
        eventually(lambda: readers() == "shop_feed_readers 1.0")
    eventually(lambda: readers() == "shop_feed_readers 0.0")


def test_the_feed_serves_nothing_else_and_says_what_is_wrong(served):
    with closing(http.client.HTTPConnection("127.0.0.1", served.feed_port, timeout=30)) as feed:
        for path, status in (("/admin/", 404), (EVENTS, 401), ("/readyz", 200)):
            feed.request("GET", path)
            response = feed.getresponse()
            response.read()
            assert response.status == status


def test_streams_outlive_the_database_session(served):
    with served.stream(f"{EVENTS}?after=now") as stream:
        with psycopg.connect(served.url, autocommit=True) as session:
            ended = session.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and application_name = 'feed'"
            )
            assert ended.fetchall()
        order = served.place()
        assert stream.next()["subject"] == order
