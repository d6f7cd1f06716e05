"""Columns and tabs of the list of orders in the admin."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.cache import cache
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from orders.models import Order, Return
from orders.queries import numbers_of
from orders.states import Status
from shop.adminkit.finding import named, names
from shop.adminkit.keyset_lists import Tab
from shop.shown_amounts import for_reader

names("number")(numbers_of)

#: Highest number that a tab shows; more are not counted.
MOST = 999
#: Seconds for which the numbers of the tabs are good enough.
_FRESH = 15
_TABS: tuple[tuple[str, tuple[Status, ...]], ...] = (
    (gettext_noop("Needs attention"), (Status.NEEDS_ATTENTION,)),
    (gettext_noop("Waits for payment"), (Status.PLACED,)),
    (gettext_noop("Waits for goods"), (Status.AWAITING_STOCK,)),
    (gettext_noop("To ship"), (Status.PAID, Status.IN_FULFILMENT)),
    (gettext_noop("On the way"), (Status.SHIPPED,)),
    (gettext_noop("Being cancelled"), (Status.CANCELLING,)),
)


class OrderColumns:
    """Columns of orders in a list, of which a page fetches lines, tags and tracking numbers at once."""

    def complete(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Fetch lines, tags and tracking numbers of a page."""
        prefetch_related_objects(rows, "lines", "tags")
        numbers = {}
        if request.user.has_perm("shipping.view_shipment"):
            numbers = named("tracking", [order.pk for order in rows])
        for order in rows:
            order.tracking_number = numbers.get(order.pk, "")

    @admin.display(description=_("Number"))
    def number(self, order: Order) -> str:
        """Return the number as customers know it."""
        return order.number

    @admin.display(description=_("Status"))
    def status_badge(self, order: Order) -> str:
        """Return the status as a badge."""
        return format_html(
            '<span class="status status-{}">{}</span>', order.status, order.get_status_display()
        )

    @admin.display(description=_("Status"))
    def status_and_tags(self, order: Order) -> str:
        """Return the status as a badge, and the tags."""
        chips = format_html_join(" ", '<span class="chip">{}</span>', ((tag.name,) for tag in _tags(order)))
        return format_html("{} {}", self.status_badge(order), chips)

    @admin.display(description=_("Tags"))
    def tag_names(self, order: Order) -> str:
        """Return the tags."""
        return ", ".join(tag.name for tag in _tags(order))

    @admin.display(description=_("Why"), empty_value="")
    def why(self, order: Order) -> str:
        """Return the reason of the status, with the operators' note."""
        return ": ".join(filter(None, (order.reason_label, order.attention_text)))

    @admin.display(description=_("Customer"))
    def customer_and_email(self, order: Order) -> str:
        """Return the customer's name and e-mail address."""
        name, email = order.customer_name or order.ship_name, order.customer_email
        return format_html('{}<br><span class="quiet">{}</span>', name, email)

    @admin.display(description=_("Items"))
    def items(self, order: Order) -> int:
        """Return the number of pieces."""
        related: Any = order
        return sum(line.quantity for line in related.lines.all())

    @admin.display(description=_("Tracking"), empty_value="")
    def tracking(self, order: Order) -> str:
        """Return the tracking number of the latest parcel."""
        return str(getattr(order, "tracking_number", ""))

    @admin.display(description=_("Total"))
    def amount(self, order: Order) -> str:
        """Return the total with its currency."""
        return for_reader(order.total_text)


def tabs_of(request: HttpRequest) -> list[Tab]:
    """Return the tabs of the list, with numbers that are at most some seconds old."""
    counts: dict[str, str] = cache.get_or_set("orders.tabs", _counts, _FRESH) or {}
    tabs = [Tab(gettext("All"), "")]
    tabs += [Tab(gettext(title), _query(statuses), counts[title]) for title, statuses in _TABS]
    if request.user.has_perm("orders.view_return"):
        url = f"{reverse('admin:orders_return_changelist')}?state__exact=requested"
        tabs.append(Tab(gettext("Returns to decide"), "", counts["Returns to decide"], url))
    return tabs


def _query(statuses: tuple[Status, ...]) -> str:
    if len(statuses) == 1:
        return urlencode({"status__exact": statuses[0]})
    return urlencode({"status__in": ",".join(statuses)})


def _counts() -> dict[str, str]:
    """Count each tab by its index, up to the most."""
    found = {title: Order.objects.filter(status__in=statuses) for title, statuses in _TABS}
    returns = Return.objects.filter(state="requested")
    counts: dict[str, Any] = {**found, "Returns to decide": returns}
    return {title: _shown(rows.order_by()[: MOST + 1].count()) for title, rows in counts.items()}


def _shown(number: int) -> str:
    return f"{MOST}+" if number > MOST else str(number)


def _tags(order: Order) -> Any:
    related: Any = order
    return related.tags.all()
