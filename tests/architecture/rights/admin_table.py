"""The rights of the admin: which permissions each model, page and action needs.

What is not in it fails the tests: a new admin, page or action has to be entered.
"""

from typing import Any, NamedTuple

from tests.architecture.rights.needs import (
    ANNOTATE,
    CANCEL,
    CAPTURE,
    DECIDE_RETURN,
    GIVE_BACK,
    PRINT,
    RECEIVE_RETURN,
    REFUND,
    RESEND,
    RESEND_ORDER,
    RESUME,
    RETRY,
    RETURN,
    SEND_HOOKS,
    SETTLE,
    STOCK,
    Need,
    all_of,
)

#: Acts that the admin allows on the rows of each model, by Django's permission of that name.
MODELS: dict[str, str] = {
    "accounts.accountmail": "view",
    "accounts.apikey": "view",
    "accounts.failedlogin": "view",
    "accounts.guest": "view",
    "accounts.operatorzone": "view",
    "accounts.recoverycode": "view",
    "accounts.requestcount": "view",
    "accounts.unconfirmedaddress": "view",
    "admin.logentry": "view",
    "analytics.dailysales": "view",
    "analytics.journalentry": "view",
    "analytics.orderfact": "view",
    "analytics.productrevenue": "view",
    "analytics.productsales": "view",
    "analytics.projection": "view",
    "auth.group": "view",
    "auth.user": "view add change delete",
    "console.alert": "view",
    "console.checkup": "view",
    "console.lostorder": "view",
    "console.repair": "view",
    "django_celery_results.groupresult": "view add change delete",
    "django_celery_results.taskresult": "view add change delete",
    "integrations.delivery": "view",
    "integrations.endpoint": "view add change",
    "inventory.category": "view add change delete",
    "inventory.orderstock": "view",
    "inventory.product": "view add change",
    "inventory.stockmovement": "view",
    "messaging.circuit": "view",
    "messaging.deadletter": "view",
    "messaging.deadletteraction": "view",
    "messaging.eventrecord": "view",
    "messaging.horizon": "view",
    "messaging.inboxentry": "view",
    "messaging.logroot": "view",
    "messaging.outboxentry": "view",
    "messaging.restore": "view",
    "messaging.scheduledmessage": "view",
    "messaging.subscription": "view",
    "messaging.workernode": "view",
    "notifications.notification": "view",
    "notifications.recipient": "view",
    "notifications.resend": "view",
    "orders.bulkaction": "view",
    "orders.order": "view",
    "orders.refundrequest": "view",
    "orders.return": "view",
    "orders.savedaddress": "view",
    "otp_totp.totpdevice": "view",
    "payments.dispute": "view",
    "payments.gatewayfault": "view add change delete",
    "payments.payment": "view",
    "payments.refund": "view",
    "payments.simulatedcharge": "view",
    "payments.simulatedrefund": "view",
    "privacy.datasubject": "view",
    "rest.idempotencyrecord": "view",
    "shipping.carrierfault": "view add change delete",
    "shipping.easypostbooking": "view",
    "shipping.shipment": "view",
    "shipping.simulatedlabel": "view",
    "shipping.trackingevent": "view",
    "webhooks.askeduntil": "view",
    "webhooks.providernotice": "view",
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


_REBUILD = ("analytics.view_dailysales", "analytics.rebuild_dailysales")

_RESEND = {"goods": "returned", "reason": "came back"}
_ADJUSTMENT = {"quantity": "3", "reason": "a delivery"}
_PRODUCTS = {"text": "sku,name,price\nCUP,Cup,12.50", "reason": "a test", "take": "Take over"}
_FILE = {"text": "kind,sku,quantity,reason\nreceived,MUG,3,a delivery", "book": "Book"}

_CONFIRMED = {"confirmed": "on"}
_REFUSAL = {"reason": "it was used", "confirmed": "on"}
_REFUND = {"amount": "1.00", "reason": "a scratch", "confirmed": "on"}

PAGES = [
    Page("index", _ANY_STAFF),
    Page("jsi18n", _ANY_STAFF),
    Page("search", _ANY_STAFF),
    Page("time-zone", _ANY_STAFF),
    Page("password_change", _ANY_STAFF),
    Page("password_change_done", _ANY_STAFF),
    Page("orders_order_cancel", all_of(*CANCEL), {"order_id": "order.pk"}),
    act("orders_order_cancel", *CANCEL, order_id="order.pk"),
    Page("orders_order_resume", all_of(*RESUME), {"order_id": "waiting.pk"}),
    act("orders_order_resume", *RESUME, order_id="waiting.pk"),
    act("orders_bulkaction_go_on", "orders.view_bulkaction", "orders.cancel_order", bulk_id="bulk.pk"),
    Page("orders_order_settle", all_of(*SETTLE), {"order_id": "held_up.pk"}),
    act("orders_order_settle", *SETTLE, data={"reason": "agreed by phone"}, order_id="held_up.pk"),
    Page("orders_order_refund", all_of(*REFUND), {"order_id": "waiting.pk"}),
    act("orders_order_refund", *REFUND, data=_REFUND, order_id="waiting.pk"),
    act("orders_order_note", *ANNOTATE, data={"text": "rang"}, order_id="order.pk"),
    act("orders_order_tag", *ANNOTATE, data={"name": "urgent"}, order_id="order.pk"),
    act("orders_order_untag", *ANNOTATE, data={"name": "tagged"}, order_id="order.pk"),
    Page("orders_order_return", all_of(*RETURN), {"order_id": "delivered.pk"}),
    Page("orders_return_approve", all_of(*DECIDE_RETURN), {"return_id": "returned.pk"}),
    act("orders_return_approve", *DECIDE_RETURN, data=_CONFIRMED, return_id="returned.pk"),
    Page("orders_return_refuse", all_of(*DECIDE_RETURN), {"return_id": "returned.pk"}),
    act("orders_return_refuse", *DECIDE_RETURN, data=_REFUSAL, return_id="returned.pk"),
    Page("orders_return_withdraw", all_of(*DECIDE_RETURN), {"return_id": "returned.pk"}),
    act("orders_return_withdraw", *DECIDE_RETURN, data=_CONFIRMED, return_id="returned.pk"),
    Page("orders_return_receive", all_of(*RECEIVE_RETURN), {"return_id": "awaited.pk"}),
    Page("payments_refund_give_back", all_of(*GIVE_BACK), {"refund_id": "refund.pk"}),
    act("payments_refund_give_back", *GIVE_BACK, data={"reason": "by a transfer"}, refund_id="refund.pk"),
    Page("orders_order_resend", all_of(*RESEND_ORDER), {"order_id": "lost.pk"}),
    act("orders_order_resend", *RESEND_ORDER, data=_RESEND, order_id="lost.pk"),
    Page("orders_order_refund_and_settle", all_of(*REFUND), {"order_id": "lost.pk"}),
    act("orders_order_refund_and_settle", *REFUND, data={**_RESEND, **_CONFIRMED}, order_id="lost.pk"),
    Page("inventory_product_adjust", all_of(*STOCK), {"product_id": "product.pk"}),
    act("inventory_product_adjust", *STOCK, data=_ADJUSTMENT, product_id="product.pk"),
    Page("inventory_product_picture", all_of("inventory.change_product"), {"product_id": "product.pk"}),
    Page("inventory_product_import", all_of(*STOCK)),
    act("inventory_product_import", *STOCK, data=_FILE),
    Page("inventory_product_import_products", all_of("inventory.add_product", "inventory.change_product")),
    act(
        "inventory_product_import_products",
        "inventory.add_product",
        "inventory.change_product",
        data=_PRODUCTS,
    ),
    Page(
        "notifications_notification_message",
        all_of("notifications.view_notification"),
        {"notification_id": "notification.pk"},
    ),
    Page("shipping_shipment_label", all_of(*PRINT), {"shipment_id": "parcel.pk"}),
    act("notifications_notification_resend", *RESEND, notification_id="notification.pk"),
    Page("analytics_rebuild", all_of(*_REBUILD), data={}),
    Page("sales", all_of("analytics.view_dailysales")),
    Page("packing-slip", all_of(*PRINT), {"shipment_id": "of_order.pk"}),
    Page("packing-slip-pdf", all_of(*PRINT), {"shipment_id": "of_order.pk"}),
    Page("flow", all_of("messaging.view_workernode")),
    Page("consumer", all_of("messaging.view_workernode"), {"consumer": "letter.consumer"}),
    act(
        "consumer",
        "messaging.view_workernode",
        "messaging.pause_circuit",
        data={"action": "pause", "reason": "a test"},
        consumer="letter.consumer",
    ),
    Page("workers", all_of("messaging.view_workernode")),
    Page("doctor", all_of("console.view_checkup")),
    act("doctor", "console.view_checkup", "console.audit_shop", data={"action": "audit"}),
    act("doctor", "console.view_checkup", "console.run_doctor", data={"action": "repair"}),
    act("doctor", "console.view_checkup", *STOCK, data={"action": "recount", "sku": "MUG", "counted": "7"}),
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
    ("accounts.unconfirmedaddress", "let_mail_pass"): all_of(
        "accounts.view_unconfirmedaddress", "accounts.let_mail_pass"
    ),
    ("integrations.delivery", "send_again"): all_of(*SEND_HOOKS),
    ("integrations.endpoint", "pause"): all_of("integrations.change_endpoint"),
    ("integrations.endpoint", "resume"): all_of("integrations.change_endpoint"),
    ("integrations.endpoint", "rotate_secret"): all_of("integrations.change_endpoint"),
    ("integrations.endpoint", "send_test"): all_of(*SEND_HOOKS),
    ("inventory.product", "put_on_sale"): all_of("inventory.change_product"),
    ("inventory.product", "take_off_sale"): all_of("inventory.change_product"),
    ("messaging.circuit", "probe"): all_of("messaging.view_circuit", "messaging.probe_circuit"),
    ("messaging.deadletter", "discard"): all_of("messaging.view_deadletter", "messaging.discard_deadletter"),
    ("messaging.deadletter", "replay"): all_of("messaging.view_deadletter", "messaging.replay_deadletter"),
    ("notifications.notification", "resend"): all_of(*RESEND),
    ("orders.order", "cancel_selected"): all_of(*CANCEL),
    ("orders.order", "resume_selected"): all_of(*RESUME),
    ("orders.order", "settle_selected"): all_of(*SETTLE),
    ("payments.payment", "capture_again"): all_of(*CAPTURE),
    ("payments.refund", "retry"): all_of(*RETRY),
    ("shipping.shipment", "void"): all_of("shipping.view_shipment", "shipping.void_shipment"),
}

#: Actions that lead to a page which asks before it acts.
ASKING = {("messaging.deadletter", "discard"), ("messaging.deadletter", "replay")}
