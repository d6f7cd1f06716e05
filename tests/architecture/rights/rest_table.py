"""The rights of the REST API: who is answered how by each endpoint.

An endpoint that is not in it fails the tests.
"""

from typing import Any, NamedTuple

from tests.architecture.rights.needs import (
    ANNOTATE,
    CAPTURE,
    DECIDE_RETURN,
    GIVE_BACK,
    HOOKS,
    PRINT,
    RECEIVE_RETURN,
    REFUND,
    RESEND,
    RESEND_ORDER,
    RESUME,
    RETRY,
    SALES,
    SEND_HOOKS,
    SETTLE,
    STOCK,
    Need,
    all_of,
)


class Endpoint(NamedTuple):
    """A method of a URL of the REST API, and the answers to each kind of visitor."""

    method: str
    name: str
    #: Needed by staff, for what is not their own.
    need: Need = ((),)
    #: Answers: without an account, to a customer, to the owner of the order, to staff with and without.
    nobody: int = 401
    customer: int = 403
    owner: int = 403
    allowed: int = 200
    refused: int = 403
    #: Arguments of the URL: name, and path of the attribute in the world.
    arguments: dict[str, str] = {}
    data: Any = None


def public(name: str, **arguments: str) -> Endpoint:
    return Endpoint("GET", name, nobody=200, customer=200, owner=200, refused=200, arguments=arguments)


def of_order(method: str, name: str, *permissions: str, allowed: int = 200, **arguments: str) -> Endpoint:
    """Answer customers about their own orders; those of others do not exist for them."""
    return Endpoint(
        method,
        name,
        all_of(*permissions),
        customer=404,
        owner=allowed,
        allowed=allowed,
        refused=404,
        arguments={"pk": "order.pk", **arguments},
    )


def for_accounts(method: str, name: str, answer: int, data: Any = None, **arguments: str) -> Endpoint:
    """Answer all accounts alike, about what is their own."""
    return Endpoint(
        method,
        name,
        customer=answer,
        owner=answer,
        allowed=answer,
        refused=answer,
        data=data,
        arguments=arguments,
    )


_ORDER = {
    "lines": [{"sku": "MUG", "quantity": 1}],
    "payment_method": "pm_card_visa",
    "ship_to": {
        "name": "Alice Liddell",
        "street": "Broad Street 1",
        "city": "Oxford",
        "postal_code": "OX1 3AZ",
        "country": "GB",
    },
}

_HOOK = {"pk": "hook.pk"}

ENDPOINTS = [
    public("api"),
    public("schema"),
    public("docs"),
    public("asyncapi"),
    public("asyncapi-docs"),
    public("problems"),
    public("problem", code="conflict"),
    public("category-list"),
    public("category-detail", slug="category.pk"),
    public("product-list"),
    public("product-detail", sku="product.sku"),
    Endpoint("POST", "token", nobody=400, customer=400, owner=400, allowed=400, refused=400),
    for_accounts("GET", "key-list", 200),
    for_accounts("POST", "key-list", 201, {"name": "till"}),
    Endpoint(
        "DELETE", "key-detail", customer=404, owner=204, allowed=404, refused=404, arguments={"pk": "key.pk"}
    ),
    for_accounts("GET", "order-list", 200),
    for_accounts("POST", "order-list", 201, _ORDER),
    of_order("GET", "order-detail", "orders.view_order"),
    of_order("GET", "order-timeline", "orders.view_order"),
    of_order("GET", "order-receipt", "orders.view_order"),
    of_order("GET", "order-payments", "orders.view_order", pk="payable.pk"),
    Endpoint(
        "POST", "order-payments", all_of("orders.view_order", "orders.pay_order"), customer=404, owner=202,
        allowed=202, refused=404, arguments={"pk": "payable.pk"}, data={"payment_method": "pm_card_visa"},
    ),
    Endpoint("GET", "order-notes", all_of("orders.view_order"), arguments={"pk": "order.pk"}),
    Endpoint(
        "POST", "order-notes", all_of(*ANNOTATE), allowed=201, arguments={"pk": "order.pk"},
        data={"text": "Rang: the mug may stay."},
    ),
    of_order("GET", "order-refunds", "orders.view_order"),
    of_order("GET", "order-refund", "orders.view_order", refund_id="requested.pk"),
    Endpoint(
        "POST", "order-refunds", all_of(*REFUND), allowed=201, arguments={"pk": "waiting.pk"},
        data={"amount": {"amount": "1.00", "currency": "EUR"}, "reason": "a scratch"},
    ),
    of_order("GET", "order-returns", "orders.view_return", pk="delivered.pk"),
    of_order("GET", "order-return", "orders.view_return", pk="delivered.pk", return_id="returned.pk"),
    Endpoint(
        "POST", "order-returns", all_of("orders.view_return", "orders.request_return"), nobody=401,
        customer=404, owner=201, allowed=201, refused=404, arguments={"pk": "delivered.pk"},
        data={"lines": [{"sku": "MUG", "quantity": 1}], "reason": "a crack"},
    ),
    Endpoint(
        "POST", "order-return-approve", all_of(*DECIDE_RETURN),
        arguments={"pk": "delivered.pk", "return_id": "returned.pk"},
    ),
    Endpoint(
        "POST", "order-return-reject", all_of(*DECIDE_RETURN), data={"reason": "it was used"},
        arguments={"pk": "delivered.pk", "return_id": "returned.pk"},
    ),
    Endpoint(
        "POST", "order-return-receive", all_of(*RECEIVE_RETURN),
        data={"lines": [{"sku": "MUG", "restocked": 1}]},
        arguments={"pk": "delivered.pk", "return_id": "awaited.pk"},
    ),
    Endpoint(
        "POST", "order-return-cancel", all_of(*DECIDE_RETURN), customer=404, owner=200, refused=404,
        arguments={"pk": "delivered.pk", "return_id": "returned.pk"},
    ),
    of_order("POST", "order-cancel", "orders.view_order", "orders.cancel_order", allowed=202),
    Endpoint("POST", "order-resume", all_of(*RESUME), arguments={"pk": "waiting.pk"}),
    Endpoint(
        "POST", "order-settle", all_of(*SETTLE), arguments={"pk": "held_up.pk"},
        data={"reason": "agreed by phone"},
    ),
    Endpoint(
        "POST", "order-resend", all_of(*RESEND_ORDER), arguments={"pk": "lost.pk"},
        data={"goods": "returned", "reason": "came back"},
    ),
    Endpoint(
        "POST", "order-refund-and-settle", all_of(*REFUND), arguments={"pk": "lost.pk"},
        data={"goods": "returned", "reason": "came back"},
    ),
    Endpoint("GET", "payment-list", all_of("payments.view_payment")),
    Endpoint("GET", "payment-detail", all_of("payments.view_payment"), arguments={"pk": "refund.payment_id"}),
    Endpoint(
        "POST", "payment-capture", all_of(*CAPTURE), allowed=202, arguments={"pk": "uncaptured.pk"},
    ),
    Endpoint(
        "POST", "payment-retry", all_of(*RETRY), allowed=202,
        arguments={"pk": "refund.payment_id", "refund_id": "refund.pk"},
    ),
    Endpoint(
        "POST", "payment-given-back", all_of(*GIVE_BACK),
        arguments={"pk": "refund.payment_id", "refund_id": "refund.pk"}, data={"reason": "by a transfer"},
    ),
    Endpoint(
        "POST", "category-list", all_of("inventory.view_category", "inventory.add_category"), allowed=201,
        data={"slug": "cups", "name": "Cups"},
    ),
    Endpoint(
        "PATCH", "category-detail", all_of("inventory.view_category", "inventory.change_category"),
        arguments={"slug": "category.pk"}, data={"name": "Mugs and cups"},
    ),
    Endpoint(
        "POST", "product-list", all_of("inventory.view_product", "inventory.add_product"), allowed=201,
        data={"sku": "CUP", "name": "Cup", "price": {"amount": "4.00", "currency": "EUR"}, "stock": 3},
    ),
    Endpoint(
        "PATCH", "product-detail", all_of("inventory.view_product", "inventory.change_product"),
        arguments={"sku": "product.sku"}, data={"name": "Large mug", "reason": "it is"},
    ),
    Endpoint("GET", "stock-list", all_of("inventory.view_stock")),
    Endpoint("GET", "stock-detail", all_of("inventory.view_stock"), arguments={"sku": "product.sku"}),
    Endpoint(
        "POST", "stock-adjust", all_of(*STOCK),
        arguments={"sku": "product.sku"}, data={"quantity": 3, "reason": "a delivery"},
    ),
    Endpoint(
        "POST", "stock-movements", all_of(*STOCK),
        arguments={"sku": "product.sku"}, data={"kind": "received", "quantity": 3, "reason": "a delivery"},
    ),
    Endpoint(
        "POST", "stock-file", all_of(*STOCK),
        data="kind,sku,quantity,reason\nreceived,MUG,3,a delivery\n",
    ),
    Endpoint("GET", "shipment-list", all_of("shipping.view_shipment")),
    Endpoint("GET", "shipment-detail", all_of("shipping.view_shipment"), arguments={"pk": "shipment.pk"}),
    Endpoint("GET", "shipment-label", all_of(*PRINT), arguments={"pk": "parcel.pk"}),
    Endpoint("GET", "notification-list", all_of("notifications.view_notification")),
    Endpoint(
        "GET", "notification-detail", all_of("notifications.view_notification"),
        arguments={"pk": "notification.pk"},
    ),
    Endpoint("POST", "notification-resend", all_of(*RESEND), arguments={"pk": "notification.pk"}),
    Endpoint("GET", "analytics-daily-sales", all_of("analytics.view_dailysales")),
    Endpoint("GET", "analytics-best-sellers", all_of(*SALES)),
    Endpoint("GET", "analytics-funnel", all_of("analytics.view_orderfact")),
    Endpoint("GET", "analytics-step-times", all_of("analytics.view_orderfact")),
    Endpoint("GET", "analytics-orders", all_of("analytics.view_orderfact")),
    Endpoint("GET", "analytics-projections", all_of("analytics.view_projection")),
    for_accounts("GET", "events", 200),
    of_order("GET", "order-events", "integrations.read_events"),
    Endpoint("GET", "webhook-event-types", all_of(HOOKS[0])),
    Endpoint("GET", "webhook-endpoint-list", all_of(HOOKS[0])),
    Endpoint(
        "POST", "webhook-endpoint-list", all_of(HOOKS[0], "integrations.add_endpoint"), allowed=201,
        data={"url": "https://example.com/hooks", "event_types": ["*"], "contact": "ops@example.com"},
    ),
    Endpoint("GET", "webhook-endpoint", all_of(HOOKS[0]), arguments=_HOOK),
    Endpoint("PATCH", "webhook-endpoint", all_of(*HOOKS), arguments=_HOOK, data={"description": "tills"}),
    Endpoint(
        "DELETE", "webhook-endpoint", all_of(HOOKS[0], "integrations.delete_endpoint"), allowed=204,
        arguments=_HOOK,
    ),
    Endpoint("POST", "webhook-endpoint-rotate", all_of(*HOOKS), arguments=_HOOK),
    Endpoint("POST", "webhook-endpoint-pause", all_of(*HOOKS), arguments=_HOOK),
    Endpoint("POST", "webhook-endpoint-resume", all_of(*HOOKS), arguments={"pk": "paused_hook.pk"}, data={}),
    Endpoint("POST", "webhook-endpoint-test", all_of(*SEND_HOOKS), allowed=202, arguments=_HOOK),
    Endpoint(
        "POST", "webhook-endpoint-send-again", all_of(*SEND_HOOKS), allowed=202, arguments=_HOOK,
        data={"since": "2026-11-28T00:00:00Z"},
    ),
    Endpoint("GET", "webhook-delivery-list", all_of(SEND_HOOKS[1])),
    Endpoint("GET", "webhook-delivery", all_of(SEND_HOOKS[1]), arguments={"pk": "delivery.pk"}),
    Endpoint(
        "POST", "webhook-delivery-send-again", all_of(*SEND_HOOKS), allowed=202,
        arguments={"pk": "delivery.pk"},
    ),
]  # fmt: skip
