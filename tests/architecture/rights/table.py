"""The table of rights: which permissions each endpoint, page and action needs.

What is not in it fails the tests: a new endpoint, admin or action has to be entered, with its rights.
"""

from typing import Any, NamedTuple

#: Sets of permissions, one of which is needed; none: nobody may, not even a superuser.
Need = tuple[tuple[str, ...], ...]

NOBODY: Need = ()


def all_of(*permissions: str) -> Need:
    return (permissions,)


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


def of_order(method: str, name: str, *permissions: str, allowed: int = 200) -> Endpoint:
    """Answer customers about their own orders; those of others do not exist for them."""
    return Endpoint(
        method,
        name,
        all_of(*permissions),
        customer=404,
        owner=allowed,
        allowed=allowed,
        refused=404,
        arguments={"pk": "order.pk"},
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
_STOCK = ("inventory.view_stock", "inventory.adjust_stock")
_RETRY = ("payments.view_refund", "payments.retry_refund")
_RESEND = ("notifications.view_notification", "notifications.resend_notification")
_SALES = ("analytics.view_productsales", "analytics.view_productrevenue")

ENDPOINTS = [
    public("api"),
    public("schema"),
    public("docs"),
    public("asyncapi"),
    public("problems"),
    public("problem", code="conflict"),
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
    of_order("POST", "order-cancel", "orders.view_order", "orders.cancel_order", allowed=202),
    Endpoint("GET", "payment-list", all_of("payments.view_payment")),
    Endpoint("GET", "payment-detail", all_of("payments.view_payment"), arguments={"pk": "refund.payment_id"}),
    Endpoint(
        "POST", "payment-retry", all_of(*_RETRY), allowed=202,
        arguments={"pk": "refund.payment_id", "refund_id": "refund.pk"},
    ),
    Endpoint("GET", "stock-list", all_of("inventory.view_stock")),
    Endpoint("GET", "stock-detail", all_of("inventory.view_stock"), arguments={"sku": "product.sku"}),
    Endpoint(
        "POST", "stock-adjust", all_of(*_STOCK),
        arguments={"sku": "product.sku"}, data={"quantity": 3, "reason": "a delivery"},
    ),
    Endpoint("GET", "shipment-list", all_of("shipping.view_shipment")),
    Endpoint("GET", "shipment-detail", all_of("shipping.view_shipment"), arguments={"pk": "shipment.pk"}),
    Endpoint("GET", "notification-list", all_of("notifications.view_notification")),
    Endpoint(
        "GET", "notification-detail", all_of("notifications.view_notification"),
        arguments={"pk": "notification.pk"},
    ),
    Endpoint("POST", "notification-resend", all_of(*_RESEND), arguments={"pk": "notification.pk"}),
    Endpoint("GET", "analytics-daily-sales", all_of("analytics.view_dailysales")),
    Endpoint("GET", "analytics-best-sellers", all_of(*_SALES)),
    Endpoint("GET", "analytics-funnel", all_of("analytics.view_orderfact")),
    Endpoint("GET", "analytics-step-times", all_of("analytics.view_orderfact")),
]  # fmt: skip

#: Acts that the admin allows on the rows of each model, by Django's permission of that name.
MODELS: dict[str, str] = {
    "accounts.accountmail": "view",
    "accounts.apikey": "view",
    "accounts.failedlogin": "view",
    "accounts.recoverycode": "view",
    "accounts.requestcount": "view",
    "accounts.unconfirmedaddress": "view",
    "admin.logentry": "view",
    "analytics.dailysales": "view",
    "analytics.journalentry": "view",
    "analytics.orderfact": "view",
    "analytics.productrevenue": "view",
    "analytics.productsales": "view",
    "auth.group": "view",
    "auth.user": "view add change delete",
    "console.checkup": "view",
    "console.repair": "view",
    "django_celery_results.groupresult": "view add change delete",
    "django_celery_results.taskresult": "view add change delete",
    "inventory.orderstock": "view",
    "inventory.product": "view add change",
    "inventory.stockmovement": "view",
    "messaging.circuit": "view",
    "messaging.deadletter": "view",
    "messaging.deadletteraction": "view",
    "messaging.eventrecord": "view",
    "messaging.horizon": "view",
    "messaging.inboxentry": "view",
    "messaging.outboxentry": "view",
    "messaging.scheduledmessage": "view",
    "notifications.notification": "view",
    "notifications.recipient": "view",
    "notifications.resend": "view",
    "orders.order": "view",
    "otp_totp.totpdevice": "view",
    "payments.gatewayfault": "view add change delete",
    "payments.payment": "view",
    "payments.refund": "view",
    "payments.simulatedcharge": "view",
    "payments.simulatedrefund": "view",
    "privacy.datasubject": "view",
    "rest.idempotencyrecord": "view",
    "shipping.carrierfault": "view add change delete",
    "shipping.shipment": "view",
    "shipping.simulatedlabel": "view",
    "shipping.trackingevent": "view",
}
#: Where a page needs something else than Django's permission of its name.
EXCEPTIONS: dict[str, Need] = {
    "accounts_failedlogin_delete": all_of("accounts.view_failedlogin", "accounts.delete_failedlogin"),
    "accounts_apikey_delete": all_of("accounts.view_apikey", "accounts.delete_apikey"),
    "otp_totp_totpdevice_delete": all_of("otp_totp.view_totpdevice", "otp_totp.delete_totpdevice"),
    # With the account its API keys are deleted.
    "auth_user_delete form": all_of("auth.delete_user", "accounts.view_apikey", "accounts.delete_apikey"),
    "auth_user_add": all_of("auth.add_user", "auth.change_user"),
}


class Page(NamedTuple):
    """A page of the admin that Django does not make, or a form on it."""

    name: str
    need: Need
    arguments: dict[str, str] = {}
    #: Data of a form; None for a page.
    data: dict[str, Any] | None = None
    query: str = ""
    #: It changes rows of the database.
    acts: bool = False


def act(
    name: str, *permissions: str, data: dict[str, Any] | None = None, query: str = "", **arguments: str
) -> Page:
    return Page(name, all_of(*permissions), arguments, data or {"confirmed": "yes"}, query, acts=True)


_LETTER = "?ids=1"
_ANY_STAFF: Need = ((),)
_CANCEL = ("orders.view_order", "orders.cancel_order")
_RESUME = ("orders.view_order", "orders.resume_order")
_REBUILD = ("analytics.view_dailysales", "analytics.rebuild_dailysales")
_ADJUSTMENT = {"quantity": "3", "reason": "a delivery"}

PAGES = [
    Page("index", _ANY_STAFF),
    Page("jsi18n", _ANY_STAFF),
    Page("password_change", _ANY_STAFF),
    Page("password_change_done", _ANY_STAFF),
    Page("orders_order_cancel", all_of(*_CANCEL), {"order_id": "order.pk"}),
    act("orders_order_cancel", *_CANCEL, order_id="order.pk"),
    Page("orders_order_resume", all_of(*_RESUME), {"order_id": "held_up.pk"}),
    act("orders_order_resume", *_RESUME, order_id="held_up.pk"),
    Page("inventory_product_adjust", all_of(*_STOCK), {"product_id": "product.pk"}),
    act("inventory_product_adjust", *_STOCK, data=_ADJUSTMENT, product_id="product.pk"),
    Page(
        "notifications_notification_message",
        all_of("notifications.view_notification"),
        {"notification_id": "notification.pk"},
    ),
    act("notifications_notification_resend", *_RESEND, notification_id="notification.pk"),
    Page("analytics_rebuild", all_of(*_REBUILD), data={}),
    Page("doctor", all_of("console.view_checkup")),
    act("doctor", "console.view_checkup", "console.audit_shop", data={"action": "audit"}),
    act("doctor", "console.view_checkup", "console.run_doctor", data={"action": "repair"}),
    act("doctor", "console.view_checkup", *_STOCK, data={"action": "recount", "sku": "MUG", "counted": "7"}),
    Page("messaging_deadletter_causes", all_of("messaging.view_deadletter")),
    Page(
        "messaging_deadletter_progress", all_of("messaging.view_deadletter"), {"task_id": "letter.event_id"}
    ),
    *(
        page
        for verb in ("replay", "discard")
        for page in (
            Page(
                f"messaging_deadletter_{verb}",
                all_of("messaging.view_deadletter", f"messaging.{verb}_deadletter"),
                query="?app=analytics",
            ),
            act(
                f"messaging_deadletter_{verb}",
                "messaging.view_deadletter",
                f"messaging.{verb}_deadletter",
                data={"reason": "a test"},
                query="?app=analytics",
            ),
        )
    ),
    Page(
        "messaging_deadletter_edit",
        all_of("messaging.view_deadletter", "messaging.edit_deadletter"),
        {"pk": "letter.pk"},
    ),
    Page("auth_user_password_change", all_of("auth.change_user"), {"id": "bob.pk"}),
]
#: Pages of Django's admin that are not visited: they show nothing, or only what other pages show.
NOT_VISITED = {"login", "logout", "view_on_site", "autocomplete", "app_list"}

#: Actions on lists. ``delete_selected`` needs the permission to delete.
ACTIONS: dict[tuple[str, str], Need] = {
    # Who may change accounts sees their list, as everywhere in Django.
    ("auth.user", "forget_customers"): (
        ("auth.view_user", "privacy.forget_customer"),
        ("auth.change_user", "privacy.forget_customer"),
    ),
    ("inventory.product", "put_on_sale"): all_of("inventory.change_product"),
    ("inventory.product", "take_off_sale"): all_of("inventory.change_product"),
    ("messaging.circuit", "probe"): all_of("messaging.view_circuit", "messaging.probe_circuit"),
    ("messaging.deadletter", "discard"): all_of("messaging.view_deadletter", "messaging.discard_deadletter"),
    ("messaging.deadletter", "replay"): all_of("messaging.view_deadletter", "messaging.replay_deadletter"),
    ("notifications.notification", "resend"): all_of(*_RESEND),
    ("orders.order", "cancel_selected"): all_of(*_CANCEL),
    ("orders.order", "resume_selected"): all_of(*_RESUME),
    ("payments.refund", "retry"): all_of(*_RETRY),
    ("shipping.shipment", "void"): all_of("shipping.view_shipment", "shipping.void_shipment"),
}
#: Actions that lead to a page which asks before it acts.
ASKING = {("messaging.deadletter", "discard"), ("messaging.deadletter", "replay")}

#: Pages of the storefront: status for visitors without an account, others than the owner, and the owner.
STOREFRONT: dict[str, tuple[int, int, int]] = {
    "catalogue": (200, 200, 200),
    "product": (200, 200, 200),
    "basket": (200, 200, 200),
    "orders": (302, 200, 200),
    "order": (302, 404, 200),
    "live": (302, 404, 200),
    "cancel": (302, 404, 200),
    "order-by-id": (302, 404, 302),
    "checkout": (302, 302, 302),
    "account": (302, 200, 200),
    "profile": (302, 200, 200),
    "close": (302, 200, 200),
    "password": (302, 200, 200),
    "two-factor": (302, 200, 200),
    "second-step": (302, 302, 302),
    "reset": (200, 200, 200),
    "reset-confirm": (200, 200, 200),
    "confirm": (410, 410, 410),
    "keys": (302, 200, 200),
    "login": (200, 302, 302),
    "register": (200, 302, 302),
    # By POST only:
    "add": (405, 405, 405),
    "change": (405, 405, 405),
    "again": (302, 405, 405),
    "confirm-again": (302, 405, 405),
    "logout": (405, 405, 405),
    "revoke-key": (302, 405, 405),
}


def _of_product(*permissions: str) -> Need:
    """Let the page of a product be open to who may change it, as everywhere in Django."""
    return tuple((f"inventory.{act}_product", *permissions) for act in ("view", "change"))


#: Links, buttons and panels: where they are shown, a text of theirs, and what their act or reading needs.
OFFERS: list[tuple[str, str, Need]] = [
    ("order", "/cancel/", all_of(*_CANCEL)),
    ("held_up", "/resume/", all_of(*_RESUME)),
    ("held_up", 'id="payments"', all_of("orders.view_order", "payments.view_payment")),
    ("held_up", "Retry it in the list", all_of("orders.view_order", "payments.view_payment", *_RETRY)),
    ("held_up", 'id="shipment"', all_of("orders.view_order", "shipping.view_shipment")),
    ("held_up", 'id="notifications"', all_of("orders.view_order", "notifications.view_notification")),
    ("held_up", "Send again", all_of("orders.view_order", *_RESEND)),
    ("held_up", 'id="timeline"', all_of("orders.view_order", "orders.view_timeline")),
    ("product", "/adjust/", _of_product(*_STOCK)),
    ("product", "Available", _of_product("inventory.view_stock")),
    ("product", "Movements", _of_product("inventory.view_stockmovement")),
    ("letter", "replay/?ids", all_of("messaging.view_deadletter", "messaging.replay_deadletter")),
    ("letter", "discard/?ids", all_of("messaging.view_deadletter", "messaging.discard_deadletter")),
    ("letter", "/edit/", all_of("messaging.view_deadletter", "messaging.edit_deadletter")),
]
