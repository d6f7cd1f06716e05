"""Admin of payments: read-only pages of payments and the simulated gateway, and retries of failed refunds."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from payments import services
from payments.errors import NotRetryable
from payments.models import GatewayFault, Payment, Refund, SimulatedCharge, SimulatedRefund
from shop import journal
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly


class RefundStateFilter(admin.SimpleListFilter):
    """Filter of payments by the state of their refund."""

    title = parameter_name = "refund"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states of refunds."""
        return list(Refund.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        """Return the payments with a refund in the selected state."""
        if not self.value():
            return queryset
        return queryset.filter(pk__in=Refund.objects.filter(state=self.value()).values("payment"))


class RefundInline(ReadOnly, admin.TabularInline[Refund, Payment]):
    """Refunds on the page of their payment."""

    model = Refund
    fields = ("reason", "state", "amount", "currency", "attempt", "failure_code", "updated_at")
    show_change_link = True


@admin.register(Payment)
class PaymentAdmin(KeysetAdmin):
    """Read-only pages of payments."""

    list_display = (
        "order",
        "state",
        "amount",
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
    inlines = (RefundInline,)

    @admin.display(description="order")
    def order(self, payment: Payment) -> str:
        """Return the order's number, or its id if the number is unknown."""
        return payment.order_number or str(payment.order_id)


@admin.register(Refund)
class RefundAdmin(KeysetAdmin):
    """Read-only pages of refunds, with an action to retry failed ones."""

    list_display = (
        "payment",
        "reason",
        "state",
        "amount",
        "currency",
        "attempt",
        "failure_code",
        "created_at",
        "updated_at",
    )
    list_filter = ("state", RecentFilter)
    list_select_related = ("payment",)
    search_fields = ("payment__order_number", "payment__order_id", "id", "reference")
    ordering = ("-id",)
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may retry refunds."""
        return request.user.has_perm("payments.retry_refund")

    @admin.action(description="Retry the selected failed refunds", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        """Retry failed refunds; warn about refunds that have not failed."""
        retried = 0
        for refund in queryset:
            try:
                with transaction.atomic():
                    services.retry_refund(refund_id=refund.id)
                    journal.record(request, refund, "Retried the refund.")
            except NotRetryable as error:
                self.message_user(request, f"{refund}: {error}", messages.WARNING)
            else:
                retried += 1
        if retried:
            self.message_user(request, f"{retried} refund(s) will be asked for again now.", messages.SUCCESS)


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
class GatewayFaultAdmin(admin.ModelAdmin[GatewayFault]):
    """Faults of the simulated gateway. Adding a row breaks it; deleting the row mends it."""

    fields = ("kind", "operation", "seconds", "calls_left")
    list_display = (*fields, "created_at")
    list_filter = ("kind", "operation")
