"""REST API of the messages to customers, for staff: read them, and send one again."""

from functools import partial

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import services
from notifications.errors import ResendFailed, StillWaiting
from notifications.models import Notification, Resend
from shop import journal
from shop.rest.etags import ETagged
from shop.rest.fields import AddressField
from shop.rest.idempotency import idempotent
from shop.rest.permissions import staff
from shop.rest.problems import Conflict
from shop.rest.strict import StrictSerializer

SUMMARY: tuple[str, ...] = (
    "id",
    "url",
    "order_id",
    "number",
    "kind",
    "state",
    "name",
    "email",
    "subject",
    "attempts",
    "last_error",
    "created_at",
    "sent_at",
    "report",
    "reported_at",
    "report_detail",
)


class NotificationOut(serializers.ModelSerializer[Notification]):
    """A message to a customer."""

    url = serializers.HyperlinkedIdentityField(view_name="notification-detail")

    class Meta:
        model = Notification
        fields = SUMMARY
        read_only_fields = fields


class ResendOut(serializers.ModelSerializer[Resend]):
    """A resend: who requested it, and its outcome."""

    class Meta:
        model = Resend
        fields = ("sequence", "by", "email", "outcome", "error", "requested_at")
        read_only_fields = fields


class NotificationDetailOut(NotificationOut):
    """A message to a customer, with the values of its template and its resends."""

    resends = ResendOut(many=True, read_only=True)

    class Meta(NotificationOut.Meta):
        fields = (*SUMMARY, "message_id", "context", "resends")
        read_only_fields = fields


@extend_schema_serializer(
    examples=[OpenApiExample("To a new address", {"email": "alice@example.com"}, request_only=True)]
)
class ResendIn(StrictSerializer):
    """Request of a resend."""

    email = AddressField(
        required=False, help_text="A new address, for later messages too; the known one by default."
    )


class NotificationFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of messages."""

    order_id = django_filters.UUIDFilter()
    number = django_filters.CharFilter(label="Order number")
    email = django_filters.CharFilter(lookup_expr="iexact", label="Recipient")

    class Meta:
        model = Notification
        fields = ("order_id", "number", "kind", "state", "report", "email")


@extend_schema_view(get=extend_schema(summary="List the messages to customers", tags=["notifications"]))
class Notifications(ListAPIView[Notification]):
    """List the messages to customers, newest first. For staff."""

    permissions = {"GET": staff("notifications.view_notification")}
    serializer_class = NotificationOut
    filterset_class = NotificationFilter
    queryset = Notification.objects.all()


@extend_schema_view(get=extend_schema(summary="Read a message to a customer", tags=["notifications"]))
class NotificationDetail(ETagged, RetrieveAPIView[Notification]):
    """Read one message, with the values of its template and its resends. For staff."""

    permissions = {"GET": staff("notifications.view_notification")}
    serializer_class = NotificationDetailOut

    def get_queryset(self) -> QuerySet[Notification]:
        """Fetch the messages with their resends."""
        return Notification.objects.prefetch_related("resends")


class NotificationResend(APIView):
    """Resend of a message. For staff with the permission."""

    permissions = {"POST": staff("notifications.view_notification", "notifications.resend_notification")}

    @extend_schema(
        summary="Send a message again",
        tags=["notifications"],
        request=ResendIn,
        responses={
            200: NotificationDetailOut,
            400: OpenApiResponse(description="A field is wrong or unknown."),
            403: OpenApiResponse(description="You lack the permission to resend."),
            404: OpenApiResponse(description="There is no such message."),
            409: OpenApiResponse(description="It is queued already, or the mail server refuses it."),
        },
    )
    @idempotent(atomic=False)  # mail is sent between two transactions
    def post(self, request: Request, pk: str) -> Response:
        """Send the message again, and record the user and the outcome."""
        notification = get_object_or_404(Notification, pk=pk)
        wanted = ResendIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        sent = _resend(request, notification, **wanted.validated_data)
        return Response(NotificationDetailOut(sent, context={"request": request}).data)


def _resend(request: Request, notification: Notification, *, email: str = "") -> Notification:
    by, note = request.user.get_username(), partial(journal.record, request, text="Sent it again.")
    try:
        return services.resend(notification_id=notification.pk, by=by, email=email, note=note)
    except (StillWaiting, ResendFailed) as refusal:
        raise Conflict(str(refusal)) from refusal
