"""Admin of payments: read-only pages of payments and the simulated gateway, and retries of failed refunds."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments import services
from payments.errors import NotGivenBack, NotRetryable
from payments.models import Attempt, Dispute, GatewayFault, Payment, Refund, SimulatedCharge, SimulatedRefund
from shop import journal
from shop.adminkit.conflicts import ConflictAware
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.order_links import LeadsToOrders
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import ModelAdmin, TabularInline

M = TypeVar("M", Payment, Refund)


class RefundStateFilter(admin.SimpleListFilter):
    """Filter of payments by the state of their refund."""

    title = _("refund")
    parameter_name = "refund"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states of refunds."""
        return Refund._meta.get_field("state").flatchoices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        """Return the payments with a refund in the selected state."""
        if not self.value():
            return queryset
        return queryset.filter(pk__in=Refund.objects.filter(state=self.value()).values("payment"))


class GivenBackForm(forms.Form):
    """Form for the reason of a refund that is given back otherwise."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_(
            "How it was given back. Kept for ever, in the log of events and in the journal: name no persons."
        ),
    )


class RefundInline(ReadOnly, TabularInline[Refund, Payment]):
    """Refunds on the page of their payment."""

    model = Refund
    fields = ("reason", "state", "amount", "currency", "channel", "attempt", "failure_code", "updated_at")
    show_change_link = True


class AttemptInline(ReadOnly, admin.TabularInline[Attempt, Payment]):
    """Former attempts to pay on the page of their payment."""

    model = Attempt
    verbose_name_plural = _("former attempts to pay")
    fields = ("number", "state", "method", "failure_code", "reference", "replaced_at")


@admin.register(Payment)
class PaymentAdmin(LeadsToOrders, KeysetAdmin):
    """Read-only pages of payments."""

    list_display_links = ("state",)
    list_display = (
        "order_page",
        "state",
        "amount",
        "amount_captured",
        "amount_refunded",
        "currency",
        "method",
        "failure_code",
        "stop_reason",
        "created_at",
    )
    list_filter = ("state", RefundStateFilter, ("stop_reason", admin.EmptyFieldListFilter), RecentFilter)
    search_fields = ("order_number", "order_id", "id", "reference")
    ordering = ("-id",)
    inlines = (AttemptInline, RefundInline)
    #: All columns but the page on which the customer confirms: whoever has it can.
    fields: ClassVar[Any] = tuple(
        field.name for field in Payment._meta.concrete_fields if field.name != "confirm_url"
    )
    readonly_fields = fields
    actions = ("capture_again",)

    def has_capture_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may retry captures."""
        return request.user.has_perm("payments.retry_capture")

    @admin.action(description=_("Retry the capture of the selected payments"), permissions=["capture"])
    def capture_again(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        """Retry captures that failed; warn about payments without one."""

        def retry(payment: Payment) -> None:
            services.retry_capture(order_id=payment.order_id)
            journal.record(request, payment, "Retried the capture.")

        retried = _retry_each(request, queryset, retry)
        if retried:
            self.message_user(
                request,
                gettext("{retried} capture(s) will be made again now.").format(retried=retried),
                messages.SUCCESS,
            )


@admin.register(Refund)
class RefundAdmin(LeadsToOrders, KeysetAdmin):
    """Read-only pages of refunds. Failed ones are retried, or recorded as given back otherwise."""

    order_field = "payment.order_id"
    list_display_links = ("state",)
    list_display = (
        "order_page",
        "reason",
        "state",
        "amount",
        "currency",
        "channel",
        "attempt",
        "failure_code",
        "created_at",
        "updated_at",
    )
    list_filter = ("state", "channel", RecentFilter)
    list_select_related = ("payment",)
    search_fields = ("payment__order_number", "payment__order_id", "id", "reference")
    ordering = ("-id",)
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may retry refunds."""
        return request.user.has_perm("payments.retry_refund")

    def may_give_back(self, request: HttpRequest) -> bool:
        """Tell whether the user may record refunds as given back otherwise."""
        return self.has_view_permission(request) and request.user.has_perm("payments.give_back_otherwise")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Offer to record a failed refund as given back otherwise to users who may."""
        context = {**(extra_context or {}), "may_give_back": self.may_give_back(request)}
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of refunds given back otherwise."""
        view = self.admin_site.admin_view(self.give_back)
        return [
            path("<uuid:refund_id>/give-back/", view, name="payments_refund_give_back"),
            *super().get_urls(),
        ]

    def give_back(self, request: HttpRequest, refund_id: UUID) -> HttpResponse:
        """Ask for the reason, then record a failed refund as given back otherwise."""
        if not self.may_give_back(request):
            raise PermissionDenied
        refund = get_object_or_404(Refund, pk=refund_id)
        form = GivenBackForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            self._give_back(request, refund, form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("admin:payments_refund_change", args=[refund.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("{money} was given back otherwise?").format(money=refund.money),
            "opts": self.opts,
            "original": refund,
            "form": form,
        }
        return TemplateResponse(request, "admin/payments/refund/give_back.html", context)

    def _give_back(self, request: HttpRequest, refund: Refund, reason: str) -> None:
        try:
            with transaction.atomic():
                services.give_back_otherwise(refund_id=refund.pk, reason=reason)
                journal.record(request, refund, f"Given back otherwise: {reason}")
        except NotGivenBack as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("The refund is given back otherwise."))

    @admin.action(description=_("Retry the selected failed refunds"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        """Retry failed refunds; warn about refunds that have not failed."""

        def retry(refund: Refund) -> None:
            services.retry_refund(refund_id=refund.pk)
            journal.record(request, refund, "Retried the refund.")

        retried = _retry_each(request, queryset, retry)
        if retried:
            self.message_user(
                request,
                gettext("{retried} refund(s) will be asked for again now.").format(retried=retried),
                messages.SUCCESS,
            )


def _retry_each(request: HttpRequest, queryset: QuerySet[M], retry: Callable[[M], None]) -> int:
    """Retry each row in a transaction of its own, warn about those that cannot be, and count the others."""
    retried = 0
    for row in queryset:
        try:
            with transaction.atomic():
                retry(row)
        except NotRetryable as error:
            messages.warning(request, f"{row}: {error}")
        else:
            retried += 1
    return retried


@admin.register(Dispute)
class DisputeAdmin(KeysetAdmin):
    """Read-only pages of disputes. Evidence is given at the provider, which decides what it takes."""

    list_display = (
        "payment",
        "status",
        "amount",
        "currency",
        "reason",
        "evidence_due_at",
        "at_the_provider",
        "created_at",
        "updated_at",
    )
    list_filter = ("status", RecentFilter)
    list_select_related = ("payment",)
    search_fields = ("payment__order_number", "payment__order_id", "id", "reference")
    ordering = ("-id",)
    fields = ("payment", "reference", *list_display[1:])
    readonly_fields = fields

    @admin.display(description=_("at the provider"))
    def at_the_provider(self, dispute: Dispute) -> SafeString:
        """Return a link to the dispute's page at the provider, where evidence is given."""
        return format_html('<a href="{}" rel="noreferrer">{}</a>', dispute.url, dispute.reference)


@admin.register(SimulatedCharge)
class SimulatedChargeAdmin(KeysetAdmin):
    """Read-only pages of the simulated gateway's charges."""

    list_display = ("reference", "status", "amount", "currency", "token", "code", "attempts", "created_at")
    search_fields = ("reference", "key")
    ordering = ("-reference",)


@admin.register(SimulatedRefund)
class SimulatedRefundAdmin(KeysetAdmin):
    """Read-only pages of the simulated gateway's refunds."""

    list_display = ("reference", "charge", "status", "amount", "code", "looks", "created_at")
    list_select_related = ("charge",)
    search_fields = ("reference", "key", "charge__reference")
    ordering = ("-reference",)


@admin.register(GatewayFault)
class GatewayFaultAdmin(ConflictAware, ModelAdmin[GatewayFault]):
    """Faults of the simulated gateway. Adding a row breaks it; deleting the row mends it."""

    fields = ("kind", "operation", "seconds", "calls_left")
    list_display = (*fields, "created_at")
    list_filter = ("kind", "operation")
