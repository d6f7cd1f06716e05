"""Navigation of the admin: six groups, in the order of their use; simulators and journals come last."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

#: Pages of the console, in place of a model, with the permission that each wants.
_PAGES = {
    "doctor": "console.view_checkup",
    "flow": "messaging.view_workernode",
    "sales": "analytics.view_dailysales",
    "workers": "messaging.view_workernode",
}
#: Title, icon (one of Material Symbols) and the model that is listed.
_Item = tuple[str, str, str]

_GROUPS: tuple[tuple[str, bool, tuple[_Item, ...]], ...] = (
    (
        "Orders",
        False,
        (
            ("Orders", "receipt_long", "orders.order"),
            ("Returns", "assignment_return", "orders.return"),
            ("Shipments", "local_shipping", "shipping.shipment"),
            ("Bulk actions", "checklist", "orders.bulkaction"),
        ),
    ),
    (
        "Stock",
        False,
        (
            ("Products", "inventory_2", "inventory.product"),
            ("Movements", "swap_vert", "inventory.stockmovement"),
            ("Stock of orders", "shelves", "inventory.orderstock"),
        ),
    ),
    (
        "Money",
        False,
        (
            ("Sales", "monitoring", "sales"),
            ("Payments", "credit_card", "payments.payment"),
            ("Refunds", "undo", "payments.refund"),
            ("Disputes", "gavel", "payments.dispute"),
            ("Daily sales", "calendar_month", "analytics.dailysales"),
            ("Product sales", "bar_chart", "analytics.productsales"),
        ),
    ),
    (
        "Customers",
        False,
        (
            ("Accounts", "group", "auth.user"),
            ("Messages sent", "mail", "notifications.notification"),
            ("Recipients", "contact_mail", "notifications.recipient"),
        ),
    ),
    (
        "Messages",
        True,
        (
            ("Live flow", "account_tree", "flow"),
            ("Workers and queues", "memory", "workers"),
            ("Dead letters", "report", "messaging.deadletter"),
            ("Paused consumers", "pause_circle", "messaging.circuit"),
            ("Events", "bolt", "messaging.eventrecord"),
            ("Outbox", "outbox", "messaging.outboxentry"),
            ("Scheduled", "schedule", "messaging.scheduledmessage"),
            ("Subscriptions", "rss_feed", "messaging.subscription"),
            ("Provider notices", "webhook", "webhooks.providernotice"),
            ("Webhook endpoints", "cell_tower", "integrations.endpoint"),
            ("Webhook deliveries", "outgoing_mail", "integrations.delivery"),
        ),
    ),
    (
        "System",
        True,
        (
            ("Order doctor", "stethoscope", "doctor"),
            ("Projections", "table_view", "analytics.projection"),
            ("Tasks", "task", "django_celery_results.taskresult"),
            ("Roles", "shield_person", "auth.group"),
            ("API keys", "key", "accounts.apikey"),
            ("Journal", "history", "admin.logentry"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar; a page that the user may not open is not shown."""
    home: dict[str, Any] = {"items": [{"title": "Home", "icon": "home", "link": reverse("admin:index")}]}
    return [home, *(_group(request, *group) for group in _GROUPS)]


def _group(request: HttpRequest, title: str, collapsible: bool, items: tuple[_Item, ...]) -> dict[str, Any]:
    entries = [_entry(*item) for item in items if request.user.has_perm(_permission(item[2]))]
    return {"title": title, "separator": True, "collapsible": collapsible, "items": entries}


def _entry(title: str, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": _link(model)}


@cache
def _link(model: str) -> str:
    return reverse(model if model in _PAGES else f"admin:{model.replace('.', '_')}_changelist")


def _permission(model: str) -> str:
    return _PAGES.get(model) or model.replace(".", ".view_")
