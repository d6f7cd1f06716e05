"""Routes and methods of requests: few, whatever clients send."""

import time
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from shop.metrics import requests
from tests.support.metrics import samples


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/orders", "/api/v1/orders"),
        ("/api/v1/orders/0198-x/cancel", "/api/v1/orders/"),
        ("/api/v1/products", "/api/v1/"),
        ("/admin/orders/order/", "/admin/"),
        ("/", "/"),
        ("/wp-login.php", "/"),
    ],
)
def test_a_path_has_one_of_few_routes(path, route):
    assert requests.route_of(path) == route


def test_a_request_is_counted_by_method_route_and_status_and_an_unknown_method_as_other():
    before = observed()
    scope = SimpleNamespace(method="BREW", path="/api/v1/orders")
    requests.note(0.0, time.perf_counter() - 0.3, scope, 405)
    name = "http_server_request_duration_seconds"
    new = observed() - before
    labels = ("_OTHER", "405", "/api/v1/orders")
    assert new[f"{name}_count", *labels] == 1
    assert 0.3 <= new[f"{name}_sum", *labels] < 10


def observed():
    registry = CollectorRegistry()
    registry.register(requests._durations)
    return samples(generate_latest(registry).decode())
