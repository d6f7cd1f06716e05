"""Messages to customers in the admin: read-only pages, and resends."""

from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from notifications import services
from notifications.emails import html_of
from notifications.errors import NotificationsError
from notifications.models import Notification, Recipient, Resend
from shop import journal
from shop.adminkit.filters import RecentFilter
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import TabularInline
from shop.rest.idempotency.forms import AlreadyDone, OneTimeActionForm, key_of_form, note_effect
from shop.stored_texts import translated

#: Policy of an e-mail in its frame: its own styles, and nothing else.
_MESSAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"


class Resends(ReadOnly, TabularInline[Resend, Notification]):
    """Resends on the page of their message."""

    model = Resend
    extra = 0
    fields = readonly_fields = ("sequence", "by", "email", "outcome", "error", "requested_at")


@admin.register(Notification)
class NotificationAdmin(KeysetAdmin):
    """Messages to customers."""

    list_display = (
        "number", "kind", "state", "report", "email", "attempts", "created_at", "sent_at", "why_not_sent"
    )  # fmt: skip
    list_filter = ("state", "report", "kind", RecentFilter)
    search_fields = ("number", "email__iexact", "order_id")
    search_help_text = _("The number or id of an order, or the recipient's address")
    ordering = ("-pk",)
    inlines = (Resends,)
    actions = ("resend",)
    action_form = OneTimeActionForm
    fieldsets = (
        (None, {"fields": ("number", "order_id", "kind", "state", "why_not_sent")}),
        (_("Delivery"), {"fields": ("name", "email", "attempts", "created_at", "sent_at", "message_id")}),
        (_("Provider's report"), {"fields": Notification.REPORTED}),
        (_("Message"), {"fields": ("subject", "preview")}),
    )
    readonly_fields = ("preview", "why_not_sent")

    class Media:
        """Styles of the message's frame."""

        css = {"all": ["notifications/message.css"]}

    @admin.display(description=_("last error"))
    def why_not_sent(self, notification: Notification) -> str:
        """Return the last error, in the reader's language unless a mail server says it."""
        return translated(notification.last_error)

    @admin.display(description=_("Message"))
    def preview(self, notification: Notification) -> SafeString:
        """Return a sandboxed frame of the e-mail's HTML, which runs no scripts."""
        url = reverse("admin:notifications_notification_message", args=[notification.pk])
        return format_html(
            '<iframe class="message" title="{}" sandbox src="{}"></iframe>', gettext("The message"), url
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of the resend button and of the message in its frame."""
        views = {"resend": self.resend_one, "message": self.message}
        own = [
            path(
                f"<uuid:notification_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"notifications_notification_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    @method_decorator(xframe_options_sameorigin)
    def message(self, request: HttpRequest, notification_id: UUID) -> HttpResponse:
        """Return the e-mail's HTML. Mail programs want inline styles, so its policy allows them."""
        notification = get_object_or_404(Notification, pk=notification_id)
        if not self.has_view_permission(request, notification):
            raise PermissionDenied
        return HttpResponse(html_of(notification), headers={"Content-Security-Policy": _MESSAGE_POLICY})

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

    @admin.action(description=_("Send again"), permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        """Send the selected messages again, once for each form."""
        key, by = key_of_form(request), request.user.get_username()

        def note(notification: Notification) -> None:
            note_effect(request, key, about=notification.pk)
            journal.record(request, notification, "Sent it again.")

        for notification in queryset:
            try:
                services.resend(notification_id=notification.pk, by=by, note=note)
            except (NotificationsError, AlreadyDone) as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
            else:
                self.message_user(
                    request,
                    gettext("{notification} was sent again.").format(notification=notification),
                    messages.SUCCESS,
                )


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
