"""Durations of requests by method, route and status, in files that the web processes share."""

import time
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from shop.metrics.exposition import serve as serve_registry
from shop.metrics.families import REQUEST_DURATION
from shop.web.front import AccessLog

#: Orders are placed here.
_INTAKE = "/api/v1/orders"
#: Routes: the first that a path begins with. A fixed list, for a client chooses the path.
ROUTES = (
    "/api/v1/orders/",
    "/api/v1/",
    "/admin/",
    "/static/",
    "/accounts/",
    "/checkout/",
    "/orders/",
    "/healthz",
    "/livez",
    "/readyz",
    "/providers/",
)
_OTHER_ROUTE = "/"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "_OTHER"

_durations = Histogram(
    REQUEST_DURATION.name,
    REQUEST_DURATION.help,
    REQUEST_DURATION.labels,
    buckets=REQUEST_DURATION.bounds,
    registry=None,
)


def serve() -> AccessLog:
    """Serve the sum over all processes; return what notes a request."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    serve_registry(registry)
    return note


def note(wall_time: float, began: float, scope: Any, status: int) -> None:
    """Note a request that was answered."""
    method = scope.method if scope.method in _METHODS else _OTHER_METHOD
    _child(method, route_of(scope.path), status).observe(time.perf_counter() - began)


@lru_cache(maxsize=4096)
def _child(method: str, route: str, status: int) -> Histogram:
    return _durations.labels(method, route, str(status))


def route_of(path: str) -> str:
    """Return the route of a path."""
    return (
        _INTAKE
        if path == _INTAKE
        else next((route for route in ROUTES if path.startswith(route)), _OTHER_ROUTE)
    )
