"""The order doctor's page: what the last check-up found, what needs a person, and the buttons."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from console.doctor import checkups
from console.models import Checkup, Repair
from inventory.errors import InventoryError
from inventory.services import recount_stock
from orders.queries import orders_needing_attention
from payments.queries import failed_refunds
from shop.messaging.event_log import has_more_events_than

#: A log that is not longer is audited while the operator waits; a longer one by a worker.
AUDITED_AT_ONCE = 5_000
#: Orders that need attention, and repairs, that the page shows.
SHOWN = 50


@require_http_methods(["GET", "POST"])
def doctor_page(request: HttpRequest) -> HttpResponse:
    """Show the doctor, or have it work."""
    if not request.user.has_perm("console.view_checkup"):
        raise PermissionDenied
    if request.method == "POST":
        _act(request)
        return HttpResponseRedirect(reverse("doctor"))
    return TemplateResponse(request, "console/doctor.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    failed = {refund.order_id for refund in failed_refunds(limit=SHOWN)}
    held_up = orders_needing_attention(limit=SHOWN)
    return {
        **admin.site.each_context(request),
        "title": "Order doctor",
        "checkup": Checkup.objects.order_by("-pk").first(),
        "at_work": checkups.is_at_work(),
        "may_run": request.user.has_perm("console.run_doctor"),
        "may_recount": request.user.has_perm("inventory.change_product"),
        "held_up": [(order, order.id in failed) for order in held_up],
        "repairs": Repair.objects.order_by("-pk")[:SHOWN],
        "interval": settings.SHOP_DOCTOR_INTERVAL,
        "grace": settings.SHOP_DOCTOR_GRACE,
    }


def _act(request: HttpRequest) -> None:
    if request.POST.get("action") == "recount":
        _recount(request)
    else:
        _check_up(request, repair=request.POST.get("action") == "repair")


def _check_up(request: HttpRequest, *, repair: bool) -> None:
    if not request.user.has_perm("console.run_doctor"):
        raise PermissionDenied
    by = request.user.get_username()
    try:
        if has_more_events_than(AUDITED_AT_ONCE):
            _tell_of_task(request, checkups.start_check_up(by=by, repair=repair))
        else:
            checkups.check_up(by=by, repair=repair)
    except checkups.AnotherDoctor as error:
        messages.warning(request, str(error))
    except checkups.BROKER_ERRORS as error:
        messages.error(request, f"The check-up could not be started: {error}")


def _tell_of_task(request: HttpRequest, task_id: str) -> None:
    results = reverse("admin:django_celery_results_taskresult_changelist")
    text = 'A worker makes a check-up. <a href="{}?q={}">See how it went.</a>'
    messages.success(request, format_html(text, results, task_id))


def _recount(request: HttpRequest) -> None:
    """Have the stock be what an operator counted."""
    if not request.user.has_perm("inventory.change_product"):
        raise PermissionDenied
    sku, counted = request.POST.get("sku", ""), request.POST.get("counted", "")
    if not counted.isdecimal():
        messages.error(request, f"Say how many of {sku} you counted.")
        return
    reason, actor = "counted on the doctor's advice", request.user.get_username()
    try:
        product = recount_stock(sku=sku, counted=int(counted), reason=reason, actor=actor)
    except InventoryError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"There are {product.available} of {product} now, and its ledger says so.")
