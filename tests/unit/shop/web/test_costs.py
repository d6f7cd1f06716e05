"""No request costs much more CPU than a plain one, at every address, with the nastiest values."""

import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console.seeding import seed
from tests.faults.seeds import sample
from tests.unit.shop.web import nastiest
from tests.unit.shop.web.addresses import addresses
from tests.unit.shop.web.costs import Meter

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

#: The most that a request may cost, as a multiple of a plain one at the same address, or of the catalogue.
RATIO = 15
#: Attempts, of which the cheapest counts: others pay for the garbage collector and a busy machine.
ATTEMPTS = 4
#: Pages of single rows are many and alike; to log out would end the measurement.
_LEFT_OUT = ("/1/", "/add/", "logout/", "/x/")
ADDRESSES = [path for path in addresses() if not path.endswith(_LEFT_OUT) and "/1/" not in path]
API = [path for path in ADDRESSES if path.startswith("/api/")]
PAGES = [path for path in ADDRESSES if not path.startswith("/api/")]
ADMIN = [*sample([path for path in PAGES if path.startswith("/admin/")], one_in=4)]
PAGES = [path for path in PAGES if path in ADMIN or not path.startswith("/admin/")]
TRIED = [*API, *PAGES]
#: Pages that take a form, and of the many lists with actions one.
FORMS = [path for path in PAGES if path not in ADMIN or path.count("/") != 4] + ["/admin/payments/refund/"]

Request = tuple[str, dict[str, Any]]


@pytest.fixture
def meter() -> Iterator[Meter]:
    """Meter of an operator's requests to a fresh shop."""
    seed()
    client = Client()
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    gc.collect()
    gc.freeze()
    yield Meter(client)
    gc.unfreeze()


def plain_queries(path: str) -> Iterable[Request]:
    """Yield queries within the limits; the many lists of the admin share the patterns."""
    number = ADDRESSES.index(path) % len(nastiest.PATTERNS)
    patterns = nastiest.PATTERNS[number : number + 1] if path in ADMIN else nastiest.PATTERNS
    return (("GET", {"QUERY_STRING": query}) for query in nastiest.queries(patterns))


def long_queries(path: str) -> Iterable[Request]:
    return (("GET", {"QUERY_STRING": query}) for query in nastiest.long_queries())


def headers(path: str) -> Iterable[Request]:
    return (("GET", {"headers": header}) for header in nastiest.headers())


def json_bodies(path: str) -> Iterable[Request]:
    return (("POST", {"data": body, "content_type": "application/json"}) for body in nastiest.json_bodies())


def form_bodies(path: str) -> Iterable[Request]:
    form = "application/x-www-form-urlencoded"
    return (("POST", {"data": body, "content_type": form}) for body in nastiest.form_bodies())


@pytest.mark.parametrize(
    ("requests", "paths"),
    [
        (plain_queries, TRIED),
        (long_queries, TRIED),
        (headers, ["/", "/admin/", "/api/v1/products", "/api/v1/orders"]),
        (json_bodies, ["/basket/add/", "/admin/login/", *API]),
        (form_bodies, FORMS),
    ],
)
def test_no_request_costs_much_more_than_a_plain_one(
    meter: Meter, requests: Callable[[str], Iterable[Request]], paths: list[str]
):
    catalogue = min(meter.cost("GET", "/") for _ in range(ATTEMPTS))
    dear = []
    for path in paths:
        most = RATIO * max(catalogue, min(meter.cost("GET", path) for _ in range(2)))
        tried = requests(path)
        for method, request in sample(tried, one_in=20 if path in ADMIN else 3):
            if not any(meter.cost(method, path, **request) < most for _ in range(ATTEMPTS)):
                dear.append((method, path, str(request)[:80]))
    assert not dear


def test_every_kind_of_address_is_measured():
    assert {"/", "/checkout/", "/api/v1/products", "/api/v1/orders", "/admin/orders/order/"} <= {*ADDRESSES}
    assert len(ADDRESSES) > 80
