"""Lists whose rows lead to their order by its number."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from shop.adminkit.finding import named
from shop.adminkit.theme import ModelAdmin


class CompletedChangeList(ChangeList):
    """List of pages whose admin completes the rows of a page."""

    model_admin: Any

    def get_results(self, request: HttpRequest) -> None:
        """Load a page and complete its rows."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.model_admin.complete(request, self.result_list)


class LeadsToOrders(ModelAdmin[Any]):
    """Admin with a column ``order_page``: the number of a row's order, linked for those who may see it."""

    #: Attribute with the id of the order, of a row or of what it belongs to.
    order_field = "order_id"

    def complete(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Note the numbers of the orders of a page, and whether they are linked."""
        may_see = request.user.has_perm("orders.view_order")
        id_of = attrgetter(self.order_field)
        numbers = named("number", {id_of(row) for row in rows} - {None})
        for row in rows:
            row.order_number_shown = numbers.get(id_of(row), "")
            row.order_is_linked = may_see

    @admin.display(description=_("order"), empty_value="")
    def order_page(self, row: Any) -> str:
        """Return the number of the order, linked to its page."""
        order_id = attrgetter(self.order_field)(row)
        number = getattr(row, "order_number_shown", "") or getattr(row, "order_number", "")
        if not number or not getattr(row, "order_is_linked", False):
            return str(number or order_id or "")
        url = reverse("admin:orders_order_change", args=[order_id])
        return format_html('<a href="{}">{}</a>', url, number)
