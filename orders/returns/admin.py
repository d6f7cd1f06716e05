"""Returns in the admin: lists, and the pages of their acts."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders import effect_page
from orders.models import Order, Return, ReturnLine, ReturnReceipt
from orders.returns.acts import KINDS, request_act
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import TabularInline

#: Permissions that it takes to ask for a return of somebody else's order.
PERMISSIONS = ("orders.view_order", "orders.request_return")


def request_return(site: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Ask what is sent back, say the effect, and ask for the return once that is confirmed."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    order = get_object_or_404(Order.objects.prefetch_related("lines"), pk=order_id)
    return effect_page.show(site, request, request_act(order, request))


class ReturnInline(ReadOnly, TabularInline[Return, Order]):
    """Returns on the page of their order."""

    model = Return
    fields = ("link", "state", "of", "by_customer", "reason", "arrive_by", "created_at")
    readonly_fields = fields
    verbose_name_plural = _("returns")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Return]:
        """Fetch the returns with their lines."""
        return super().get_queryset(request).prefetch_related("lines")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ask for the permission to view returns: the inline links to their pages."""
        return request.user.has_perm("orders.view_return")

    @admin.display(description=_("Return"))
    def link(self, returned: Return) -> str:
        """Return a link to the page of the return."""
        return format_html(
            '<a href="{}">Return</a>', reverse("admin:orders_return_change", args=[returned.pk])
        )

    @admin.display(description=_("Of"))
    def of(self, returned: Return) -> str:
        """Return what is sent back, and how much of it is here."""
        return ", ".join(
            gettext("{quantity} x {sku} ({received} here)").format(
                quantity=line.quantity, sku=line.sku, received=line.received
            )
            for line in returned.lines.all()
        )


class ReturnLineInline(ReadOnly, TabularInline[ReturnLine, Return]):
    """Lines on the page of their return."""

    model = ReturnLine
    fields = readonly_fields = ("sku", "quantity", "restocked", "written_off", "awaited")
    verbose_name_plural = _("lines")

    @admin.display(description=_("Awaited"))
    def awaited(self, line: ReturnLine) -> int:
        """Return how many are not here yet."""
        return line.awaited


class ReturnReceiptInline(ReadOnly, TabularInline[ReturnReceipt, Return]):
    """Receipts on the page of their return."""

    model = ReturnReceipt
    fields = readonly_fields = ("created_at", "came_back", "given_back")
    verbose_name_plural = _("receipts")

    @admin.display(description=_("Came back"))
    def came_back(self, receipt: ReturnReceipt) -> str:
        """Return what came back."""
        return ", ".join(
            gettext("{sku}: {restocked} restocked, {written_off} written off").format(
                sku=line["sku"], restocked=line["restocked"], written_off=line["written_off"]
            )
            for line in receipt.lines
        )

    @admin.display(description=_("Given back"), empty_value="–")
    def given_back(self, receipt: ReturnReceipt) -> str | None:
        """Return the amount of the refund, and its state."""
        refund = receipt.refund
        return f"{refund.money}, {refund.get_state_display().lower()}" if refund else None


@admin.register(Return)
class ReturnAdmin(KeysetAdmin):
    """Returns, read-only but for the acts that their state allows."""

    list_display = ("order_number", "state", "of", "by_customer", "arrive_by", "created_at")
    list_filter = ("state", "by_customer")
    list_select_related = ("order",)
    search_fields = ("order__id", "id")
    search_help_text = _("The id of an order or of a return")
    ordering = ("-pk",)
    inlines = (ReturnLineInline, ReturnReceiptInline)
    fields = ("order_number", "state", "by_customer", "reason", "refusal", "arrive_by", "created_at")
    readonly_fields = fields
    change_form_template = "admin/orders/return/change_form.html"

    of = ReturnInline.of

    def get_queryset(self, request: HttpRequest) -> QuerySet[Return]:
        """Fetch the returns with their lines."""
        return super().get_queryset(request).prefetch_related("lines")

    @admin.display(description=_("Order"))
    def order_number(self, returned: Return) -> str:
        """Return the number of the order."""
        return returned.order.number

    def get_urls(self) -> list[URLPattern]:
        """Add a URL for each act on a return."""
        view = self.admin_site.admin_view(self.act_on_one)
        own = [
            path(f"<uuid:return_id>/{name}/", view, {"name": name}, name=f"orders_return_{name}")
            for name in KINDS
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the return, and offer what the user may do with it."""
        found = self.get_object(request, object_id)
        offered = [
            (name, reverse(f"admin:orders_return_{name}", args=[found.pk]))
            for name, kind in KINDS.items()
            if found and found.state in kind.states and request.user.has_perm(kind.permission)
        ]
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "offered": offered}
        )

    def act_on_one(self, request: HttpRequest, return_id: UUID, name: str) -> HttpResponse:
        """Ask what is needed, say the effect, and act once that is confirmed."""
        kind = KINDS[name]
        if not self.has_view_permission(request) or not request.user.has_perm(kind.permission):
            raise PermissionDenied
        found = Return.objects.select_related("order").prefetch_related("lines").filter(pk=return_id).first()
        if found is None:
            raise Http404
        return effect_page.show(self.admin_site, request, kind.make(found, request))
