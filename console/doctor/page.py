"""Page of the order doctor: last check-up, orders that need attention, repairs, and actions."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from console.doctor import checkups
from console.doctor.checked import by_urgency
from console.models import Checkup, Repair
from inventory.errors import InventoryError
from inventory.services import recount_stock
from orders.queries import orders_needing_attention
from payments.queries import failed_refunds
from shop import journal
from shop.messaging.event_log import has_more_events_than

#: Longest event log, in events, that is audited within the request; a longer one is audited by a worker.
MAX_EVENTS_IN_REQUEST = 5_000
#: Limit on the orders that need attention, and on the repairs, that the page shows.
MAX_ROWS = 50


@require_http_methods(["GET", "POST"])
def doctor_page(request: HttpRequest) -> HttpResponse:
    """Show the page, or run the posted action."""
    if not request.user.has_perm("console.view_checkup"):
        raise PermissionDenied
    if request.method == "POST":
        _run_action(request)
        return HttpResponseRedirect(reverse("doctor"))
    return TemplateResponse(request, "console/doctor.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    failed = {refund.order_id for refund in failed_refunds(limit=MAX_ROWS)}
    sees_orders = request.user.has_perm("orders.view_order")
    checkup = Checkup.objects.order_by("-pk").first()
    held_up = orders_needing_attention(limit=MAX_ROWS) if sees_orders else []
    return {
        **admin.site.each_context(request),
        "title": gettext("Order doctor"),
        "checkup": checkup,
        "findings": by_urgency(checkup) if checkup else [],
        "is_running": checkups.is_running(),
        "may_audit": request.user.has_perm("console.audit_shop"),
        "may_repair": request.user.has_perm("console.run_doctor"),
        "may_recount": _may_recount(request),
        "held_up": [(order, order.id in failed) for order in held_up],
        "repairs": Repair.objects.order_by("-pk")[:MAX_ROWS],
        "interval": settings.SHOP_DOCTOR_INTERVAL,
        "grace": settings.SHOP_DOCTOR_GRACE,
    }


def _may_recount(request: HttpRequest) -> bool:
    return request.user.has_perms(["inventory.view_stock", "inventory.adjust_stock"])


def _run_action(request: HttpRequest) -> None:
    if request.POST.get("action") == "recount":
        _recount(request)
    else:
        _check_up(request, repair=request.POST.get("action") == "repair")


def _check_up(request: HttpRequest, *, repair: bool) -> None:
    if not request.user.has_perm("console.run_doctor" if repair else "console.audit_shop"):
        raise PermissionDenied
    by = request.user.get_username()
    with transaction.atomic():
        journal.record(request, Checkup, f"Had the shop audited{' and repaired' if repair else ''}.")
    try:
        if has_more_events_than(MAX_EVENTS_IN_REQUEST):
            _link_to_task(request, checkups.start_check_up(by=by, repair=repair))
        else:
            checkups.check_up(by=by, repair=repair)
    except checkups.CheckupRunning:
        messages.warning(request, gettext("Another check-up is running: wait until it is done."))
    except checkups.BROKER_ERRORS as error:
        messages.error(request, gettext("The check-up could not be started: {error}").format(error=error))


def _link_to_task(request: HttpRequest, task_id: str) -> None:
    results = reverse("admin:django_celery_results_taskresult_changelist")
    text = gettext('A worker makes a check-up. <a href="{}?q={}">See how it went.</a>')
    messages.success(request, format_html(text, results, task_id))


def _recount(request: HttpRequest) -> None:
    """Set the stock of a product to the number that an operator counted."""
    if not _may_recount(request):
        raise PermissionDenied
    sku, counted = request.POST.get("sku", ""), request.POST.get("counted", "")
    if not counted.isdecimal():
        messages.error(request, gettext("Say how many of {sku} you counted.").format(sku=sku))
        return
    reason, actor = "counted on the doctor's advice", request.user.get_username()
    try:
        with transaction.atomic():
            product = recount_stock(sku=sku, counted=int(counted), reason=reason, actor=actor)
            journal.record(request, product, f"Set the stock to {counted}, {reason}")
    except InventoryError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            gettext("There are {available} of {product} now, and its ledger says so.").format(
                available=product.available, product=product
            ),
        )
