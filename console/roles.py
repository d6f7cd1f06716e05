"""Groups of staff, and the permissions that each needs for its work.

A migration makes them, once: an installation may rename, change and delete them. A permission that comes
later is given by another migration, with :func:`give`, and named in ``ROLES`` and in ``docs/security.md``.
"""

from collections.abc import Iterable, Mapping

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db.models import QuerySet

_ORDERS = ("orders.view_order", "orders.view_timeline")
_PAYMENTS = ("payments.view_payment", "payments.view_refund")
_SHIPMENTS = ("shipping.view_shipment", "shipping.view_trackingevent")
_MESSAGES = ("notifications.view_notification", "notifications.view_resend", "notifications.view_recipient")
_CATALOGUE = ("inventory.view_category", "inventory.view_product", "inventory.view_stock")
_STOCK = (*_CATALOGUE, "inventory.view_stockmovement", "inventory.view_orderstock")
_FIGURES = (
    "analytics.view_dailysales",
    "analytics.view_orderfact",
    "analytics.view_productrevenue",
    "analytics.view_productsales",
    "analytics.view_projection",
)
_MACHINERY = (
    "accounts.view_apikey",
    "accounts.view_failedlogin",
    "accounts.view_requestcount",
    "console.view_alert",
    "console.view_checkup",
    "console.view_lostorder",
    "console.view_repair",
    "django_celery_results.view_taskresult",
    "integrations.view_attempt",
    "integrations.view_delivery",
    "integrations.view_endpoint",
    "messaging.view_circuit",
    "messaging.view_deadletter",
    "messaging.view_deadletteraction",
    "messaging.view_eventrecord",
    "messaging.view_horizon",
    "messaging.view_inboxentry",
    "messaging.view_logroot",
    "messaging.view_outboxentry",
    "messaging.view_restore",
    "messaging.view_scheduledmessage",
    "messaging.view_subscription",
    "messaging.view_workernode",
    "privacy.view_datasubject",
    "rest.view_idempotencyrecord",
    "webhooks.view_askeduntil",
    "webhooks.view_providernotice",
)

ROLES: dict[str, tuple[str, ...]] = {
    # Answers customers.
    "Support": (
        *_ORDERS,
        "privacy.view_personal_data",
        "orders.annotate_order",
        "orders.view_bulkaction",
        "orders.cancel_order",
        "orders.pay_order",
        "orders.resume_order",
        "orders.resend_order",
        "orders.settle_order",
        "orders.view_refundrequest",
        "orders.view_return",
        "orders.request_return",
        "orders.decide_return",
        *_PAYMENTS,
        *_SHIPMENTS,
        *_MESSAGES,
        "notifications.resend_notification",
        "accounts.view_unconfirmedaddress",
        "accounts.let_mail_pass",
        *_CATALOGUE,
    ),
    # Keeps stock and parcels.
    "Warehouse": (
        *_STOCK,
        "inventory.adjust_stock",
        "orders.view_return",
        "orders.receive_return",
        *_SHIPMENTS,
        "shipping.print_label",
        "shipping.void_shipment",
    ),
    # Keeps the money.
    "Finance": (
        "orders.view_order",
        "orders.annotate_order",
        *_PAYMENTS,
        "payments.view_dispute",
        "payments.retry_capture",
        "payments.retry_refund",
        "payments.give_back_otherwise",
        "orders.refund_order",
        "orders.view_refundrequest",
        "orders.view_return",
        *_FIGURES,
    ),
    # Keeps the shop going, and its catalogue.
    "Operations": (
        *_ORDERS,
        "orders.annotate_order",
        "orders.view_bulkaction",
        "orders.resume_order",
        *_CATALOGUE,
        "inventory.add_category",
        "inventory.add_product",
        "inventory.change_category",
        "inventory.change_product",
        "inventory.delete_category",
        *_FIGURES,
        "analytics.rebuild_dailysales",
        *_MACHINERY,
        "accounts.delete_apikey",
        "accounts.delete_failedlogin",
        "auth.view_user",
        "console.audit_shop",
        "console.run_doctor",
        "messaging.probe_circuit",
        "messaging.pause_circuit",
        "messaging.replay_deadletter",
        "messaging.discard_deadletter",
        "messaging.edit_deadletter",
        "privacy.forget_customer",
    ),
    # Connects other programs, by webhooks.
    "Integrator": (
        "integrations.view_attempt",
        "integrations.view_delivery",
        "integrations.view_endpoint",
        "integrations.add_endpoint",
        "integrations.change_endpoint",
        "integrations.delete_endpoint",
        "integrations.send_again",
        "integrations.read_events",
    ),
    # Reads everything, and changes nothing.
    "Auditor": (
        *_ORDERS,
        "orders.view_bulkaction",
        "orders.view_refundrequest",
        "orders.view_return",
        "privacy.view_personal_data",
        *_PAYMENTS,
        "payments.view_dispute",
        *_SHIPMENTS,
        *_MESSAGES,
        *_STOCK,
        *_FIGURES,
        *_MACHINERY,
        "admin.view_logentry",
        "auth.view_group",
        "auth.view_user",
    ),
}

#: Permissions that took over from others: who had one of these gets what it allowed in the admin before.
SUCCESSORS: dict[str, tuple[str, ...]] = {
    "orders.change_order": ("orders.cancel_order", "orders.resume_order"),
    "inventory.view_product": ("inventory.view_stock",),
    "inventory.change_product": ("inventory.view_stock", "inventory.adjust_stock"),
    "console.run_doctor": ("console.audit_shop",),
    "messaging.act_on_deadletter": ("messaging.replay_deadletter", "messaging.discard_deadletter"),
}


def make_groups(roles: Mapping[str, Iterable[str]] = ROLES) -> None:
    """Make the groups that do not exist, with their permissions. Existing groups stay as they are."""
    for name, permissions in roles.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(_permissions(permissions))


def give(group: str, permissions: Iterable[str]) -> None:
    """Give a group further permissions; a group that an installation has renamed or deleted is left out."""
    for found in Group.objects.filter(name=group):
        found.permissions.add(*_permissions(permissions))


def hand_over(successors: Mapping[str, Iterable[str]] = SUCCESSORS) -> None:
    """Give the owners of a permission, accounts and groups, those that took over from it."""
    for name, permissions in successors.items():
        for user in User.objects.filter(user_permissions__in=_named(name)):
            user.user_permissions.add(*_permissions(permissions))
        for group in Group.objects.filter(permissions__in=_named(name)):
            group.permissions.add(*_permissions(permissions))


def _permissions(names: Iterable[str]) -> list[Permission]:
    """Return permissions, made if need be: Django makes them only after the last migration."""
    names = list(names)
    for app_label in {name.partition(".")[0] for name in names if not _named(name).exists()}:
        create_permissions(apps.get_app_config(app_label), verbosity=0)
    return [_named(name).get() for name in names]


def _named(name: str) -> QuerySet[Permission]:
    app_label, codename = name.split(".")
    return Permission.objects.filter(content_type__app_label=app_label, codename=codename)
