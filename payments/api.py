"""REST API of payments, for staff: read payments, retry failed refunds."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from payments import services
from payments.errors import NotGivenBack, NotRetryable
from payments.models import Attempt, Payment, Refund
from shop import journal
from shop.rest.contract import IF_MATCH
from shop.rest.etags import ETagged, check_if_match
from shop.rest.fields import MoneyField, TextField
from shop.rest.filters import SinceFilter, UntilFilter
from shop.rest.idempotency import idempotent
from shop.rest.permissions import staff
from shop.rest.problems import Conflict
from shop.rest.strict import StrictSerializer

UUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class RefundSerializer(serializers.ModelSerializer[Refund]):
    """Refund of a payment."""

    amount = MoneyField(amount="amount")

    class Meta:
        model = Refund
        fields = (
            "id",
            "reason",
            "state",
            "amount",
            "channel",
            "attempt",
            "reference",
            "failure_code",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """Former attempt to pay, replaced by another one."""

    class Meta:
        model = Attempt
        fields = (
            "number",
            "state",
            "method",
            "reference",
            "failure_code",
            "failure_message",
            "replaced_at",
        )
        read_only_fields = fields


@extend_schema_serializer(
    examples=[OpenApiExample("A transfer", {"reason": "By a bank transfer"}, request_only=True)]
)
class GivenBackIn(StrictSerializer):
    """A refund that was given back without the provider."""

    reason = TextField(max_length=200, help_text="How it was given back. Kept for ever: name no persons.")


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    """Payment of an order."""

    amount = MoneyField(amount="amount")
    captured = MoneyField(amount="amount_captured")
    refunded = MoneyField(amount="amount_refunded")

    class Meta:
        model = Payment
        fields: tuple[str, ...] = (
            "id",
            "order_id",
            "order_number",
            "state",
            "amount",
            "captured",
            "refunded",
            "authorised_until",
            "attempt",
            "may_retry",
            "method",
            "reference",
            "failure_code",
            "failure_message",
            "stop_reason",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class PaymentDetailSerializer(PaymentSerializer):
    """Payment of an order with its former attempts and its refunds."""

    attempts = AttemptSerializer(many=True, read_only=True)
    refunds = RefundSerializer(many=True, read_only=True)

    class Meta(PaymentSerializer.Meta):
        fields = (*PaymentSerializer.Meta.fields, "attempts", "refunds")
        read_only_fields = fields


class PaymentFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of payments: ``?state=succeeded&refund_state=failed&created_after=2025-01-01T00:00:00Z``."""

    state = filters.ChoiceFilter(choices=Payment.State.choices)
    refund_state = filters.ChoiceFilter(method="having_refund", choices=Refund.State.choices)
    order_id = filters.UUIDFilter()
    order_number = filters.CharFilter()
    created_after = SinceFilter("created_at")
    created_before = UntilFilter("created_at")

    def having_refund(self, payments: QuerySet[Payment], name: str, value: str) -> QuerySet[Payment]:
        """Return the payments with a refund in the state ``value``."""
        return payments.filter(pk__in=Refund.objects.filter(state=value).values("payment"))


class PaymentViewSet(ETagged, ReadOnlyModelViewSet[Payment]):
    """The payments of all orders, newest first."""

    permissions = {
        "GET": staff("payments.view_payment"),
        "POST": staff("payments.view_refund", "payments.retry_refund"),
    }
    filterset_class = PaymentFilter
    lookup_value_regex = UUID_PATTERN
    queryset = Payment.objects.all()

    def get_serializer_class(self) -> type[PaymentSerializer]:
        """Return the serializer: a single payment comes with its refunds."""
        return PaymentDetailSerializer if self.action == "retrieve" else PaymentSerializer

    @extend_schema(
        summary="Retry a capture that failed",
        parameters=[IF_MATCH],
        request=None,
        responses={
            202: PaymentDetailSerializer,
            409: OpenApiResponse(description="No capture has failed, or nothing is held any more."),
        },
    )
    @action(
        detail=True,
        methods=["post"],
        url_path="capture",
        url_name="capture",
        permissions={"POST": staff("payments.view_payment", "payments.retry_capture")},
    )
    @idempotent(required=True)
    def capture(self, request: Request, pk: UUID) -> Response:
        """Request the capture again, under a new key. A worker carries it out."""
        locked = Payment.objects.select_for_update()
        check_if_match(request, lambda: PaymentDetailSerializer(get_object_or_404(locked, pk=pk)).data)
        payment = get_object_or_404(Payment, pk=pk)
        try:
            with transaction.atomic():
                payment = services.retry_capture(order_id=payment.order_id)
                journal.record(request, payment, "Retried the capture.")
        except NotRetryable as error:
            raise Conflict(str(error)) from error
        return Response(PaymentDetailSerializer(payment).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Retry a refund that the provider refused",
        parameters=[IF_MATCH],
        request=None,
        responses={
            202: RefundSerializer,
            409: OpenApiResponse(description="The refund has not failed."),
        },
    )
    @action(
        detail=True,
        methods=["post"],
        url_path=f"refunds/(?P<refund_id>{UUID_PATTERN})/retry",
        url_name="retry",
    )
    @idempotent(required=True)
    def retry(self, request: Request, pk: UUID, refund_id: UUID) -> Response:
        """Request the refund again, under a new key. A worker carries it out."""
        locked = Payment.objects.select_for_update()
        check_if_match(request, lambda: PaymentDetailSerializer(get_object_or_404(locked, pk=pk)).data)
        refund = get_object_or_404(Refund, pk=refund_id, payment=pk)
        try:
            with transaction.atomic():
                refund = services.retry_refund(refund_id=refund.id)
                journal.record(request, refund, "Retried the refund.")
        except NotRetryable as error:
            raise Conflict(str(error)) from error
        return Response(RefundSerializer(refund).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Record a failed refund as given back otherwise",
        parameters=[IF_MATCH],
        request=GivenBackIn,
        responses={
            200: RefundSerializer,
            400: OpenApiResponse(description="A field is wrong, missing or unknown."),
            409: OpenApiResponse(description="The refund has not failed."),
        },
    )
    @action(
        detail=True,
        methods=["post"],
        url_path=f"refunds/(?P<refund_id>{UUID_PATTERN})/given-back",
        url_name="given-back",
        permissions={"POST": staff("payments.view_refund", "payments.give_back_otherwise")},
    )
    @idempotent(required=True)
    def given_back(self, request: Request, pk: UUID, refund_id: UUID) -> Response:
        """Record that the money was given back without the provider, as in cash or by a transfer."""
        body = GivenBackIn(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        locked = Payment.objects.select_for_update()
        check_if_match(request, lambda: PaymentDetailSerializer(get_object_or_404(locked, pk=pk)).data)
        refund = get_object_or_404(Refund, pk=refund_id, payment=pk)
        try:
            with transaction.atomic():
                refund = services.give_back_otherwise(refund_id=refund.id, reason=reason)
                journal.record(request, refund, f"Given back otherwise: {reason}")
        except NotGivenBack as error:
            raise Conflict(str(error)) from error
        return Response(RefundSerializer(refund).data)
