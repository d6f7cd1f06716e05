"""Serializers of notes."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from orders.models.note import MAX_NOTE
from shop.rest.fields import TextField
from shop.rest.strict import StrictSerializer
from shop.visible import check_visible


@extend_schema_serializer(
    examples=[OpenApiExample("A note", {"text": "Rang: the mug may stay."}, request_only=True)]
)
class NoteIn(StrictSerializer):
    """A note as staff writes it."""

    text = TextField(
        max_length=MAX_NOTE,
        validators=[check_visible],
        help_text="For colleagues. Erased when the customer is forgotten.",
    )


class NoteOut(serializers.Serializer[object]):
    """A note of staff on an order."""

    id = serializers.UUIDField()
    text = serializers.CharField()
    by = serializers.CharField(help_text="User name of its writer.")
    at = serializers.DateTimeField()
