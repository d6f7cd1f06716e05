"""Messages to customers in the admin: read-only pages, and resends."""

from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import escape, format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from notifications import services
from notifications.emails import html_of
from notifications.errors import NotificationsError
from notifications.models import Notification, Recipient, Resend
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly


class Resends(ReadOnly, admin.TabularInline[Resend, Notification]):
    """Resends on the page of their message."""

    model = Resend
    extra = 0
    fields = readonly_fields = ("sequence", "by", "email", "outcome", "error", "requested_at")


@admin.register(Notification)
class NotificationAdmin(KeysetAdmin):
    """Messages to customers."""

    list_display = ("number", "kind", "state", "email", "attempts", "created_at", "sent_at", "last_error")
    list_filter = ("state", "kind", RecentFilter)
    search_fields = ("number", "email__iexact", "order_id")
    search_help_text = "The number or id of an order, or the recipient's address"
    ordering = ("-pk",)
    inlines = (Resends,)
    actions = ("resend",)
    fieldsets = (
        (None, {"fields": ("number", "order_id", "kind", "state", "last_error")}),
        ("Delivery", {"fields": ("name", "email", "attempts", "created_at", "sent_at", "message_id")}),
        ("Message", {"fields": ("subject", "preview")}),
    )
    readonly_fields = ("preview",)

    @admin.display(description="Message")
    def preview(self, notification: Notification) -> SafeString:
        """Return the e-mail's HTML in a sandboxed frame, which runs no scripts."""
        return format_html(
            '<iframe title="The message" sandbox srcdoc="{}" style="width:600px; max-width:100%; '
            'height:560px; border:1px solid var(--border-color)"></iframe>',
            escape(html_of(notification)),  # safe as HTML, but not inside an attribute
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the resend button."""
        view = self.admin_site.admin_view(self.resend_one)
        resend = path("<uuid:notification_id>/resend/", view, name="notifications_notification_resend")
        return [resend, *super().get_urls()]

    @method_decorator(require_POST)
    def resend_one(self, request: HttpRequest, notification_id: UUID) -> HttpResponse:
        """Send one message again, and redirect to the page of the button."""
        if not (self.has_view_permission(request) and self.has_resend_permission(request)):
            raise PermissionDenied
        notification = get_object_or_404(Notification, pk=notification_id)
        self.resend(request, Notification.objects.filter(pk=notification.pk))
        back = request.POST.get("next", "")
        if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
            back = reverse("admin:notifications_notification_change", args=[notification_id])
        return HttpResponseRedirect(back)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may send messages again."""
        return request.user.has_perm("notifications.resend_notification")

    @admin.action(description="Send again", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        """Send the selected messages again."""
        for notification in queryset:
            try:
                services.resend(notification_id=notification.pk, by=request.user.get_username())
            except NotificationsError as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
            else:
                self.message_user(request, f"{notification} was sent again.", messages.SUCCESS)


@admin.register(Resend)
class ResendAdmin(KeysetAdmin):
    """Resends, with who requested them and their outcomes."""

    list_display = ("requested_at", "notification", "by", "email", "outcome", "error")
    list_filter = ("outcome", "requested_at")
    search_fields = ("by", "email", "notification__number")
    list_select_related = ("notification",)
    ordering = ("-pk",)


@admin.register(Recipient)
class RecipientAdmin(KeysetAdmin):
    """Recipients of the messages about orders."""

    list_display = ("number", "name", "email")
    search_fields = ("number", "email__iexact", "order_id")
    ordering = ("-pk",)
