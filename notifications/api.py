"""How staff reach the messages to customers over REST: look, and have one sent again."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import services
from notifications.errors import ResendFailed, StillWaiting
from notifications.models import Notification, Resend
from shop.rest.problems import Conflict

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
)


class NotificationOut(serializers.ModelSerializer[Notification]):
    """A message to a customer."""

    url = serializers.HyperlinkedIdentityField(view_name="notification-detail")

    class Meta:
        model = Notification
        fields = SUMMARY
        read_only_fields = fields


class ResendOut(serializers.ModelSerializer[Resend]):
    """Who had the message sent again, and how it went."""

    class Meta:
        model = Resend
        fields = ("sequence", "by", "email", "outcome", "error", "requested_at")
        read_only_fields = fields


class NotificationDetailOut(NotificationOut):
    """A message to a customer, with what it says and who had it sent again."""

    resends = ResendOut(many=True, read_only=True)

    class Meta(NotificationOut.Meta):
        fields = (*SUMMARY, "message_id", "context", "resends")
        read_only_fields = fields


class ResendIn(serializers.Serializer[Any]):
    """How a message is to be sent again."""

    email = serializers.EmailField(
        required=False, help_text="Where to, if not where it went before; kept for later messages."
    )

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            remedy = f"Unknown field: remove it. Known are {', '.join(self.fields)}."
            raise serializers.ValidationError({name: [remedy] for name in sorted(unknown)}, "unknown_field")
        return super().to_internal_value(data)


class NotificationFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What messages can be looked for by."""

    order_id = django_filters.UUIDFilter()
    number = django_filters.CharFilter(label="Order number")
    email = django_filters.CharFilter(lookup_expr="iexact", label="Recipient")

    class Meta:
        model = Notification
        fields = ("order_id", "number", "kind", "state", "email")


@extend_schema_view(get=extend_schema(summary="List the messages to customers", tags=["notifications"]))
class Notifications(ListAPIView[Notification]):
    """The messages to customers, newest first; for staff."""

    permission_classes = [IsAdminUser]
    serializer_class = NotificationOut
    filterset_class = NotificationFilter
    queryset = Notification.objects.all()


@extend_schema_view(get=extend_schema(summary="Read a message to a customer", tags=["notifications"]))
class NotificationDetail(RetrieveAPIView[Notification]):
    """One message, with what it says and its resends; for staff."""

    permission_classes = [IsAdminUser]
    serializer_class = NotificationDetailOut

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.prefetch_related("resends")


class NotificationResend(APIView):
    """Send a message again; for staff who may."""

    permission_classes = [IsAdminUser]

    @extend_schema(
        summary="Send a message again",
        tags=["notifications"],
        request=ResendIn,
        responses={
            200: NotificationDetailOut,
            400: OpenApiResponse(description="A field is wrong or unknown."),
            403: OpenApiResponse(description="You lack the permission to resend."),
            404: OpenApiResponse(description="There is no such message."),
            409: OpenApiResponse(description="It waits to be sent by itself, or the mail server refuses it."),
        },
    )
    def post(self, request: Request, pk: str) -> Response:
        """Send it once more, and keep who wanted it and how it went."""
        if not request.user.has_perm("notifications.resend_notification"):
            raise PermissionDenied
        notification = get_object_or_404(Notification, pk=pk)
        wanted = ResendIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        sent = _resend(notification, by=request.user.get_username(), **wanted.validated_data)
        return Response(NotificationDetailOut(sent, context={"request": request}).data)


def _resend(notification: Notification, *, by: str, email: str = "") -> Notification:
    try:
        return services.resend(notification_id=notification.pk, by=by, email=email)
    except (StillWaiting, ResendFailed) as refusal:
        raise Conflict(str(refusal)) from refusal
