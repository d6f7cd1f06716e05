"""Every endpoint, for every kind of visitor and each permission alone."""

from operator import attrgetter

import pytest
from django.urls import URLPattern, get_resolver, reverse

from tests.architecture.rights.offers_table import STOREFRONT
from tests.architecture.rights.rest_table import ENDPOINTS, Endpoint
from tests.architecture.rights.world import World, call_api, undone, visit, writes
from tests.faults.seeds import sample

pytestmark = pytest.mark.django_db


def endpoints_of(patterns, prefix=""):
    """Yield method and name of each URL below ``api/v1/``."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            yield from endpoints_of(pattern.url_patterns, path)
        elif path.startswith("api/v1/"):
            view = pattern.callback
            methods = getattr(view, "actions", None) or getattr(view, "cls", None) or ["get"]
            if isinstance(methods, type):
                methods = [name for name in methods.http_method_names if hasattr(methods, name)]
            yield from ((name.upper(), pattern.name) for name in methods if name not in ("head", "options"))


def test_every_endpoint_is_in_the_table():
    assert sorted(endpoints_of(get_resolver().url_patterns)) == sorted(
        (endpoint.method, endpoint.name) for endpoint in ENDPOINTS
    )


def test_every_page_of_the_storefront_is_in_the_table():
    [storefront] = [p for p in get_resolver().url_patterns if getattr(p, "namespace", "") == "storefront"]
    assert {pattern.name for pattern in storefront.url_patterns} == set(STOREFRONT)


def call(world: World, endpoint: Endpoint, user) -> int:
    """Return the status of a call whose effects are taken back; one that is refused must have none."""
    with undone(), writes() as written:
        status = submit(world, endpoint, user)
    assert not written or (status < 400 and endpoint.method != "GET"), f"{status}, but wrote {written}"
    assert written or status >= 400 or endpoint.method == "GET", f"{status}, but without effect"
    return status


def submit(world: World, endpoint: Endpoint, user) -> int:
    arguments = {name: argument(world, path) for name, path in endpoint.arguments.items()}
    path = reverse(endpoint.name, kwargs=arguments)
    status: int = call_api(user, endpoint.method, path, endpoint.data).status_code
    return status


def argument(world: World, path: str):
    return path if path.isalpha() else attrgetter(path)(world)


#: Acts that owners can do, too, and the permission with which others see the order.
SEEN_WITH = {
    "order-cancel": "orders.view_order",
    "order-payments": "orders.view_order",
    "order-returns": "orders.view_return",
    "order-return-cancel": "orders.view_return",
}
named = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.name}")


@named
def test_visitors_and_customers(world, endpoint):
    assert call(world, endpoint, None) == endpoint.nobody
    assert call(world, endpoint, world.bob) == endpoint.customer
    assert call(world, endpoint, world.alice) == endpoint.owner


@named
def test_staff_needs_all_permissions_and_no_other_helps(world, endpoint):
    [need] = endpoint.need
    assert call(world, endpoint, world.with_permissions(need)) == endpoint.allowed
    assert call(world, endpoint, world.with_permissions(())) == (
        endpoint.refused if need else endpoint.allowed
    )
    for missing in need:
        status = call(world, endpoint, world.with_permissions(world.permissions - {missing}))
        assert status in {403, 404}, f"not refused without {missing}"


@named
def test_each_permission_alone(world, endpoint):
    [need] = endpoint.need
    seen_with = SEEN_WITH.get(endpoint.name) if endpoint.method == "POST" else None
    # The test above lacks what is needed and has all others. Here a few are tried, unless --long tries all.
    telling = {*need, seen_with} & world.permissions
    for permission in sorted(telling.union(sample(sorted(world.permissions), one_in=12))):
        expected = endpoint.allowed if set(need) <= {permission} else endpoint.refused
        if permission == seen_with:
            expected = 403  # the order is seen
        assert call(world, endpoint, world.with_permissions({permission})) == expected, permission


@named
def test_permissions_to_read_let_nobody_act(world, endpoint):
    [need] = endpoint.need
    if endpoint.method != "GET" and need:
        assert call(world, endpoint, world.with_permissions(world.views)) == 403


def test_customers_with_permissions_are_no_staff(world):
    world.bob._perm_cache = set(world.permissions)
    for endpoint in ENDPOINTS:
        assert call(world, endpoint, world.bob) == endpoint.customer, endpoint.name
    del world.bob._perm_cache


def test_staff_without_the_permission_lists_its_own_orders_alone(world):
    listed = {
        "all": call_api(world.with_permissions({"orders.view_order"}), "GET", reverse("order-list")),
        "own": call_api(world.with_permissions({"orders.cancel_order"}), "GET", reverse("order-list")),
    }
    assert len(listed["all"].data["results"]) == 7
    assert listed["own"].data["results"] == []


def test_the_whole_timeline_needs_a_permission(world):
    url = reverse("order-timeline", args=[world.held_up.pk])
    for permissions, is_whole in (
        ({"orders.view_order", "orders.view_timeline"}, True),
        ({"orders.view_order"}, False),
    ):
        first = call_api(world.with_permissions(permissions), "GET", url).data[0]
        assert ("data" in first) is is_whole


@pytest.mark.parametrize("name", STOREFRONT)
def test_the_storefront_shows_orders_to_their_owner_alone(world, name):
    path = page_of(world, name)
    everything = world.with_permissions(world.permissions)
    statuses = [visit(user, path).status_code for user in (None, world.bob, everything, world.alice)]
    nobody, other, owner = STOREFRONT[name]
    assert statuses == [nobody, other, other, owner]


def page_of(world: World, name: str) -> str:
    arguments = {
        "product": [world.product.sku],
        "order-by-id": [world.order.pk],
        "revoke-key": [world.key.pk],
        "address": [world.address.pk],
        "change-address": [world.address.pk],
        "confirm": ["a-token"],
        "link": ["a-token"],
        "fresh-link": [world.order.number],
        "reset-confirm": ["MQ", "a-token"],
        "send-back": [world.delivered.number],
        "pay": [world.payable.number],
        "payment": [world.payable.number],
        "keep": [world.delivered.number, world.awaited.pk],
        **{name: [world.order.number] for name in ("order", "live", "receipt", "cancel", "again")},
    }
    return reverse(f"storefront:{name}", args=arguments.get(name))
