"""Pages and lists of the shop: each has to be as fast with a million orders as with a thousand."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from dev.bench.growth.operations import Operation
from orders.events import OrderNeedsAttention

#: An order of one line from the middle of the table: number, id, e-mail address, customer.
_SOME_ORDER = """
    SELECT 'ORD-' || serial, orders.id::text, customer_email, customer_id
    FROM orders_order AS orders JOIN orders_orderline AS line ON line.order_id = orders.id
    WHERE sku = 'BLANKET' AND customer_id > (SELECT max(id) - 90 FROM auth_user)
    ORDER BY orders.id LIMIT 1
"""
_MIDDLE = """
    SELECT id::text, placed_at, (SELECT max(position) / 2 FROM messaging_eventrecord)
    FROM orders_order ORDER BY id OFFSET %(half)s LIMIT 1
"""


#: Pages about all that happened in a period: they read its rows, once.
OF_A_PERIOD = {"admin: sales", "admin: sales of a year", "admin: live flow", "admin: workers"}


def page_operations(size: int) -> list[Operation]:
    """Return an operation for each page, on the connected database."""
    with connection.cursor() as cursor:
        cursor.execute(_SOME_ORDER)
        order = dict(zip(("number", "id", "email", "customer"), cursor.fetchone(), strict=True))
        cursor.execute(_MIDDLE, {"half": size // 2})
        order["middle"], order["placed_at"], order["position"] = cursor.fetchone()
        cursor.execute("SELECT id::text FROM shipping_shipment WHERE order_id = %s", [order["id"]])
        (order["shipment"],) = cursor.fetchone()
    operator, alice = _client("operator"), _client("alice")
    pages = [*_api(order), *_admin(order)]
    return [_page(operator, *page) for page in pages] + [_page(alice, *page) for page in _storefront()]


def control() -> Operation:
    """Return a page without orders: it shows the load of the machine."""
    return _page(_client("operator"), "*control: the API's entrance*", "/api/v1/", {})


def _api(order: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    orders = "/api/v1/orders"
    cursor = b64encode(urlencode({"p": order["middle"]}).encode()).decode()
    yield "API: orders", orders, {}
    yield "API: orders, a page in the middle", orders, {"cursor": cursor}
    yield "API: orders, cancelled", orders, {"status": "cancelled"}
    yield "API: orders that need attention (none)", orders, {"status": "needs_attention"}
    yield "API: orders of a customer", orders, {"customer": order["customer"]}
    yield "API: orders of an address", orders, {"email": order["email"].upper()}
    yield "API: orders by their last change", orders, {"sort": "changed_at"}
    yield "API: orders placed before", orders, {"placed_before": order["placed_at"].isoformat()}
    yield "API: an order", f"{orders}/{order['id']}", {}
    yield "API: its timeline", f"{orders}/{order['id']}/timeline", {}
    yield "API: payments", "/api/v1/payments", {}
    yield "API: payments with a refund", "/api/v1/payments", {"refund_state": "succeeded"}
    yield "API: shipments", "/api/v1/shipments", {}
    yield "API: shipments, lost (none)", "/api/v1/shipments", {"tracking_status": "failure"}
    yield "API: a shipment by tracking number (none)", "/api/v1/shipments", {"tracking_number": "SP0"}
    yield "API: messages", "/api/v1/notifications", {}
    yield "API: messages to an address", "/api/v1/notifications", {"email": order["email"].upper()}


def _admin(order: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    orders, customer = _list("orders_order"), order["email"].partition("@")[0]
    yield "admin: orders", orders, {}
    yield "admin: orders, a page in the middle", orders, {"before": order["middle"]}
    yield "admin: orders, cancelled", orders, {"status__exact": "cancelled"}
    yield "admin: orders, cancelled by customers (none)", orders, {"cancel_reason__exact": "customer"}
    yield "admin: orders of the past day", orders, {"since": "1"}
    yield "admin: search an order by number", orders, {"q": order["number"]}
    yield "admin: search orders by e-mail", orders, {"q": order["email"]}
    yield "admin: orders of a customer", orders, {"customer__id__exact": order["customer"]}
    yield "admin: an order", reverse("admin:orders_order_change", args=[order["id"]]), {}
    yield "admin: orders, the tab of those to ship", orders, {"status__in": "paid,in_fulfilment"}
    yield "admin: orders by a tag (none)", orders, {"tag": "fragile"}
    yield "admin: search orders by SKU", orders, {"q": "BLANKET"}
    yield "admin: search orders by SKU (none)", orders, {"q": "NOTHING"}
    yield "admin: bulk actions", _list("orders_bulkaction"), {}
    yield "admin: home", reverse("admin:index"), {}
    yield "admin: sales", reverse("sales"), {}
    yield "admin: sales of a year", reverse("sales"), {"days": 365}
    yield "admin: live flow", reverse("flow"), {}
    yield "admin: workers", reverse("workers"), {}
    yield "admin: a packing slip", reverse("packing-slip", args=[order["shipment"]]), {}
    payments, shipments = _list("payments_payment"), _list("shipping_shipment")
    yield "admin: payments", payments, {}
    yield "admin: payments, cancelled (none)", payments, {"state__exact": "canceled"}
    yield "admin: payments with a failed refund (none)", payments, {"refund": "failed"}
    yield "admin: search a payment by number", payments, {"q": order["number"]}
    yield "admin: search a payment by reference (none)", payments, {"q": "pi_0"}
    yield "admin: refunds", _list("payments_refund"), {}
    yield "admin: search refunds by number", _list("payments_refund"), {"q": order["number"]}
    yield "admin: shipments", shipments, {}
    yield "admin: shipments, being booked (none)", shipments, {"state__exact": "booking"}
    yield "admin: shipments, returned (none)", shipments, {"tracking_status": "return_to_sender"}
    yield "admin: search a shipment by number", shipments, {"q": order["number"]}
    yield "admin: tracking events", _list("shipping_trackingevent"), {}
    messages = _list("notifications_notification")
    yield "admin: messages", messages, {}
    yield "admin: messages, rejections (none)", messages, {"kind__exact": "cancellation_rejected"}
    yield "admin: search messages by address", messages, {"q": order["email"]}
    movements = _list("inventory_stockmovement")
    yield "admin: stock movements", movements, {}
    yield "admin: stock movements, adjusted", movements, {"kind__exact": "adjusted"}
    yield "admin: stock movements of a product", movements, {"q": "BLANKET"}
    stocks = _list("inventory_orderstock")
    yield "admin: stock of orders, not decided (none)", stocks, {"state__exact": "remembered"}
    yield "admin: products", _list("inventory_product"), {}
    yield "admin: orders in the figures", _list("analytics_orderfact"), {}
    events = _list("messaging_eventrecord")
    yield "admin: events", events, {}
    yield "admin: events, a page in the middle", events, {"before": order["position"]}
    yield "admin: events of a rare type (none)", events, {"type": OrderNeedsAttention.type}
    yield "admin: events of an order", events, {"q": order["id"]}
    yield "admin: inbox", _list("messaging_inboxentry"), {}
    yield "admin: inbox of a consumer", _list("messaging_inboxentry"), {"consumer": _CONSUMER}
    yield "admin: dead letters", _list("messaging_deadletter"), {}
    yield "admin: accounts", _list("auth_user"), {}
    yield "admin: search an account by name", _list("auth_user"), {"q": customer}
    yield "admin: order doctor", reverse("doctor"), {}


def _storefront() -> Iterator[tuple[str, str, dict[str, Any]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text, 'ORD-' || serial FROM orders_order WHERE customer_id ="
            " (SELECT id FROM auth_user WHERE username = 'alice') ORDER BY id LIMIT 30"
        )
        mine = cursor.fetchall()
    yield "storefront: my orders", reverse("storefront:orders"), {}
    yield "storefront: my earlier orders", reverse("storefront:orders"), {"before": mine[-1][0]}
    yield "storefront: an order", reverse("storefront:order", args=[mine[0][1]]), {}
    yield "storefront: catalogue", reverse("storefront:catalogue"), {}
    yield "storefront: a category", reverse("storefront:catalogue"), {"category": "kitchen"}


_CONSUMER = "inventory.when_payment_processed_deduct_stock"


def _list(model: str) -> str:
    return reverse(f"admin:{model}_changelist")


def _client(username: str) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=username))
    return client


def _page(client: Client, name: str, path: str, query: dict[str, Any]) -> Operation:
    def get() -> None:
        answer = client.get(path, query)
        assert answer.status_code == 200, f"{name}: {answer.status_code} {answer.content[:200]!r}"  # noqa: S101

    return Operation(name, get)
