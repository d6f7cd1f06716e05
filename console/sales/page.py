"""Sales page."""

from datetime import UTC, datetime, time, timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from analytics.queries import best_sellers, funnel, step_times
from console.sales.figures import Period, sales_of
from inventory.queries import low_stock

PERMISSION = "analytics.view_dailysales"
#: Lengths of a period to choose from, in days, the first by default.
LENGTHS = (30, 1, 7, 90, 365)


@require_GET
def sales_page(request: HttpRequest) -> HttpResponse:
    """Show the sales of the past ``?days=``, today (UTC) included, beside those of the days before."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    wanted = request.GET.get("days", "")
    days = int(wanted) if wanted in map(str, LENGTHS) else LENGTHS[0]
    today = datetime.now(UTC).date()
    period = Period(today - timedelta(days=days - 1), today)
    span = {"since": period.since, "until": period.until}
    context = {
        **admin.site.each_context(request),
        "title": gettext("Sales"),
        "period": period,
        "day_begins": datetime.combine(today, time.min, UTC),
        "days": days,
        "lengths": sorted(LENGTHS),
        "sales": sales_of(period),
        "funnel": [step for step in funnel(**span) if step.orders],
        "step_times": [time for time in step_times(**span) if time.orders],
        "best_sellers": best_sellers(limit=10),
        "low_stock": low_stock() if request.user.has_perm("inventory.view_stock") else [],
    }
    return TemplateResponse(request, "console/sales.html", context)
