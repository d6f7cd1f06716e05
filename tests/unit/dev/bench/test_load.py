"""Requests that script/bench sends, and its results."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from dev.bench import requests
from dev.bench.consuming import contestants
from dev.bench.deployment import Deployment
from dev.bench.intake import client, command, web
from dev.bench.intake.web import WebAlone, WebShop, client_argv
from dev.bench.limits import memory
from dev.bench.limits.backpressure import Sample, rows_of
from dev.bench.report.figures import Series
from dev.bench.report.time_series import TimeSeries

HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "length"),
    [(HEAD[:40], None), (HEAD, len(HEAD) + 4), (HEAD + b"{}  ", len(HEAD) + 4)],
    ids=["half a head", "no body yet", "whole"],
)
def test_a_client_knows_how_long_an_answer_is_once_its_head_is_there(answer, length):
    assert client.length_of(answer) == length


def test_requests_are_the_same_each_time_and_come_from_all_customers():
    first = requests.write(["alice", "bob"], ["MUG", "TEE", "CAP"], 4)

    assert first == requests.write(["alice", "bob"], ["MUG", "TEE", "CAP"], 4)
    assert [b"Token alice" in request for request in first] == [True, False, True, False]


def test_a_request_says_how_long_its_body_is():
    (request,) = requests.write(["alice"], ["MUG", "TEE", "CAP"], 1)
    head, _, body = request.partition(b"\r\n\r\n")

    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)["ship_to"]["city"] == "Berlin"


def test_orders_fall_due_by_the_clock_also_while_all_customers_wait():
    clients = client.Customers(port=0, clients=0, orders=[b"order"], rate=10.0)
    clients._started, clients._sent = 1000.0, 25

    assert clients._next_due() == 1002.5


def test_customers_stop_at_their_number_of_orders():
    clients = client.Customers(port=0, clients=0, orders=[b"order"], rate=0.0, limit=3)
    sent = list[bytes]()
    clients._started = 0.0
    clients._idle.extend(SimpleNamespace(order=lambda order, due: sent.append(order)) for _ in range(8))

    clients._send()

    assert len(sent) == 3
    assert clients._is_complete()


def test_processes_that_do_the_same_are_counted_as_one():
    used = command._by_process({"PostgreSQL": 2.0, "Python0": 1.0, "Python1": 3.0}, 1000, "Python")

    assert used == {"PostgreSQL": 2.0, "Python": 4.0}


def test_the_pool_is_told_apart_from_the_process_that_started_it():
    used = contestants._by_process({"all": 0.3, "pool": 0.1, "RabbitMQ": 0.05}, 1000)

    assert used == pytest.approx({"main": 200, "pool": 100, "RabbitMQ": 50})


def test_a_row_tells_what_happened_since_the_one_before():
    samples = [sample(at=5.0, shipped=10), sample(at=10.0, shipped=40)]
    answers = [(1001.0, 0.1), (1006.0, 0.2), (1007.0, 0.4)]

    _, (at, taken, p50, p99, _, _, shipped, *_) = rows_of(samples, answers, 1000.0)

    assert (at, taken, p50, p99, shipped) == (10.0, 0.4, 200, 400, 6.0)


def test_a_shop_is_quiet_when_nothing_waits_anywhere():
    assert sample().is_quiet
    assert not sample(queues=(0, 1)).is_quiet
    assert not sample(unfinished=1).is_quiet


def test_growth_is_counted_from_the_first_look_after_some_work():
    assert memory._growth([(0, 60.0), (10, 80.0), (20, 81.5)]) == [1.5]


def test_a_time_series_is_written_row_by_row_and_its_last_columns_only_to_the_file():
    report = TimeSeries(
        "Memory", [Series("grown", "MB", (1.0,))], ("orders", "MB"), [(0, 80.0), (10, 81.0)], shown_columns=1
    )

    assert json.loads(report.as_json())["course"][1] == {"orders": 10, "MB": 81.0}
    (grid,) = report.table().columns
    assert [column.header for column in next(grid.cells).columns] == ["orders"]


def test_another_web_server_finds_the_shop_and_its_packages():
    shop = WebAlone("demo", database_url="", broker_url="")
    shop.server = "gunicorn-sync"

    (other,) = shop.programs_to_run()

    assert "site-packages" in other.env["PYTHONPATH"]
    assert other.env["SHOP_BIND"] in other.argv


def test_clients_are_told_where_the_tokens_are():
    shop = WebShop("demo", database_url="", broker_url="")
    shop.port = 8000

    assert str(shop.home / "tokens.json") in client_argv(shop, Path("/answers"), clients=3)


def test_a_shop_with_a_web_server_runs_all_that_the_other_one_runs_and_tracks_parcels():
    shop, behind = (kind("demo", database_url="", broker_url="") for kind in (WebShop, Deployment))

    names, others = ({program.name for program in one.programs_to_run()} for one in (shop, behind))

    assert names - others == {"web", "scheduler"}
    assert others < names
    assert "SHOP_TRACKING_INTERVAL_SECONDS" in behind.env.keys() - shop.env.keys()


@pytest.mark.parametrize("server", web.SERVERS)
def test_nothing_follows_the_orders_where_only_intake_is_measured(server):
    shop = WebAlone("demo", database_url="", broker_url="")
    shop.server = server

    assert [program.name for program in shop.programs_to_run()] == ["web"]


def sample(**changes):
    nothing = {"at": 1.0, "outbox": 0, "due": 0, "unfinished": 0, "shipped": 0, "consumed": 0}
    return Sample(**{**nothing, "queues": (0, 0), **changes})
