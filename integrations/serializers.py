"""Serializers of integrations."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from integrations.models import Attempt, Delivery, Endpoint
from integrations.requests import bodies_of
from shop.rest.fields import AddressField, LinkField, TextField
from shop.rest.strict import StrictSerializer
from shop.visible import check_visible

_URL = "https://example.com/webhooks"
_TYPES = ["orders.OrderCreated.v2", "shipping.OrderShipped.v2"]
#: The most event types of an endpoint.
MAX_TYPES = 200


class EndpointOut(serializers.ModelSerializer[Endpoint]):
    """An endpoint, without its secrets."""

    link = LinkField(view_name="webhook-endpoint")
    event_types = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            "id",
            "link",
            "url",
            "description",
            "event_types",
            "contact",
            "state",
            "reason",
            "failures",
            "failing_since",
            "retry_at",
            "stopped_at",
            "former_secret_ends_at",
            "created_at",
        )
        read_only_fields = fields


class NewSecretOut(EndpointOut):
    """An endpoint with a new secret, which is shown this once."""

    secret = serializers.CharField(read_only=True, help_text="Keep it: it is not shown again.")

    class Meta(EndpointOut.Meta):
        fields = (*EndpointOut.Meta.fields, "secret")
        read_only_fields = fields


@extend_schema_serializer(examples=[OpenApiExample("More events", {"event_types": ["*"]}, request_only=True)])
class EndpointChangeIn(StrictSerializer):
    """Change of an endpoint: what is left out stays."""

    url = TextField(
        max_length=500, required=False, help_text="Begins with https://. Redirects are not followed."
    )
    event_types = serializers.ListField(
        child=TextField(max_length=100),
        required=False,
        allow_empty=False,
        max_length=MAX_TYPES,
        help_text='Types as `GET /webhook-event-types` lists them, or `["*"]`: all, as newest versions.',
    )
    contact = AddressField(
        max_length=254, required=False, help_text="Is written to when the endpoint is stopped."
    )
    description = TextField(
        max_length=200, required=False, allow_blank=True, validators=[check_visible], help_text="For people."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Orders and parcels",
            {"url": _URL, "event_types": _TYPES, "contact": "ops@example.com"},
            request_only=True,
        )
    ]
)
class EndpointIn(EndpointChangeIn):
    """Request of an endpoint."""

    def get_fields(self) -> Any:
        """Require all fields but the description."""
        fields = super().get_fields()
        for name, field in fields.items():
            field.required = name != "description"
        return fields


@extend_schema_serializer(
    examples=[OpenApiExample("Since noon", {"since": "2026-11-29T12:00:00Z"}, request_only=True)]
)
class RangeIn(StrictSerializer):
    """Time of the events that are to be sent again."""

    since = serializers.DateTimeField(help_text="Events at or after this moment.")
    until = serializers.DateTimeField(
        required=False, help_text="Events before this moment; until now without."
    )

    def validate(self, data: dict[str, datetime]) -> dict[str, datetime]:
        """Refuse a time that ends before it begins."""
        if data.get("until") and data["until"] <= data["since"]:
            raise serializers.ValidationError(
                {"until": "Choose a moment after `since`."}, code="out_of_range"
            )
        return data


@extend_schema_serializer(
    examples=[OpenApiExample("With what it missed", {"since": "2026-11-29T12:00:00Z"}, request_only=True)]
)
class ResumptionIn(StrictSerializer):
    """Request to resume an endpoint."""

    since = serializers.DateTimeField(
        required=False, help_text="Have the events since then sent, too, such as those that it missed."
    )


class AcceptedOut(serializers.Serializer[Any]):
    """A range that is being sent again."""

    request_id = serializers.UUIDField()


class AttemptOut(serializers.ModelSerializer[Attempt]):
    """A request to an endpoint. Its body was the event."""

    headers = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Attempt
        fields = ("at", "url", "headers", "status", "answer", "error", "milliseconds")
        read_only_fields = fields


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    """An event on its way to an endpoint."""

    link = serializers.HyperlinkedIdentityField(view_name="webhook-delivery")
    endpoint_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = (
            "id",
            "link",
            "endpoint_id",
            "event_id",
            "type",
            "aggregate_id",
            "occurred_at",
            "state",
            "attempts",
            "due_at",
            "expires_at",
            "finished_at",
        )
        read_only_fields = fields


class DeliveryDetailOut(DeliveryOut):
    """An event on its way to an endpoint, with its body and all attempts."""

    body = serializers.SerializerMethodField(
        help_text="Body of each request; empty if it is published no more."
    )
    history = AttemptOut(many=True, read_only=True)

    class Meta(DeliveryOut.Meta):
        fields = (*DeliveryOut.Meta.fields, "body", "history")
        read_only_fields = fields

    def get_body(self, delivery: Delivery) -> str:
        """Return the body of the requests."""
        return bodies_of([delivery]).get(delivery.pk, "")


class EventTypeOut(serializers.Serializer[Any]):
    """An event that endpoints may choose."""

    type = serializers.CharField()
    description = serializers.CharField()
    is_newest = serializers.BooleanField()
