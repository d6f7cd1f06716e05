"""Navigation of the admin: six groups, in the order of their use; simulators and journals come last."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

#: Pages of the console, in place of a model, with the permission that each wants.
_PAGES = {
    "doctor": "console.view_checkup",
    "flow": "messaging.view_workernode",
    "sales": "analytics.view_dailysales",
    "workers": "messaging.view_workernode",
}
#: Title, icon (one of Material Symbols) and the model that is listed.
_Item = tuple[StrOrPromise, str, str]

_GROUPS: tuple[tuple[StrOrPromise, bool, tuple[_Item, ...]], ...] = (
    (
        _("Orders"),
        False,
        (
            (_("Orders"), "receipt_long", "orders.order"),
            (_("Returns"), "assignment_return", "orders.return"),
            (_("Shipments"), "local_shipping", "shipping.shipment"),
            (_("Bulk actions"), "checklist", "orders.bulkaction"),
        ),
    ),
    (
        _("Stock"),
        False,
        (
            (_("Products"), "inventory_2", "inventory.product"),
            (_("Categories"), "category", "inventory.category"),
            (_("Movements"), "swap_vert", "inventory.stockmovement"),
            (_("Stock of orders"), "shelves", "inventory.orderstock"),
        ),
    ),
    (
        _("Money"),
        False,
        (
            (_("Sales"), "monitoring", "sales"),
            (_("Payments"), "credit_card", "payments.payment"),
            (_("Refunds"), "undo", "payments.refund"),
            (_("Disputes"), "gavel", "payments.dispute"),
            (_("Daily sales"), "calendar_month", "analytics.dailysales"),
            (_("Product sales"), "bar_chart", "analytics.productsales"),
        ),
    ),
    (
        _("Customers"),
        False,
        (
            (_("Accounts"), "group", "auth.user"),
            (_("Messages sent"), "mail", "notifications.notification"),
            (_("Recipients"), "contact_mail", "notifications.recipient"),
        ),
    ),
    (
        _("Messages"),
        True,
        (
            (_("Live flow"), "account_tree", "flow"),
            (_("Workers and queues"), "memory", "workers"),
            (_("Dead letters"), "report", "messaging.deadletter"),
            (_("Paused consumers"), "pause_circle", "messaging.circuit"),
            (_("Events"), "bolt", "messaging.eventrecord"),
            (_("Outbox"), "outbox", "messaging.outboxentry"),
            (_("Scheduled"), "schedule", "messaging.scheduledmessage"),
            (_("Subscriptions"), "rss_feed", "messaging.subscription"),
            (_("Provider notices"), "webhook", "webhooks.providernotice"),
            (_("Webhook endpoints"), "cell_tower", "integrations.endpoint"),
            (_("Webhook deliveries"), "outgoing_mail", "integrations.delivery"),
        ),
    ),
    (
        _("System"),
        True,
        (
            (_("Order doctor"), "stethoscope", "doctor"),
            (_("Projections"), "table_view", "analytics.projection"),
            (_("Tasks"), "task", "django_celery_results.taskresult"),
            (_("Roles"), "shield_person", "auth.group"),
            (_("API keys"), "key", "accounts.apikey"),
            (_("Journal"), "history", "admin.logentry"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar; a page that the user may not open is not shown."""
    home: dict[str, Any] = {
        "items": [{"title": gettext("Home"), "icon": "home", "link": reverse("admin:index")}]
    }
    return [home, *(_group(request, *group) for group in _GROUPS)]


def _group(
    request: HttpRequest, title: StrOrPromise, collapsible: bool, items: tuple[_Item, ...]
) -> dict[str, Any]:
    entries = [_entry(*item) for item in items if request.user.has_perm(_permission(item[2]))]
    return {"title": title, "separator": True, "collapsible": collapsible, "items": entries}


def _entry(title: StrOrPromise, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": _link(model)}


@cache
def _link(model: str) -> str:
    return reverse(model if model in _PAGES else f"admin:{model.replace('.', '_')}_changelist")


def _permission(model: str) -> str:
    return _PAGES.get(model) or model.replace(".", ".view_")
