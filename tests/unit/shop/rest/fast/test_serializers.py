"""ReadOnlySerializer shows the same as DRF's serializer."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from rest_framework import serializers

from orders.states import Status
from shop.ids import uuid7
from shop.rest.fast.serializers import ReadOnlySerializer

FIELDS = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(),
    "email": serializers.EmailField(source="owner.email"),
    "count": serializers.IntegerField(),
    "open": serializers.BooleanField(),
    "status": serializers.ChoiceField(choices=Status.choices),
    "at": serializers.DateTimeField(),
    "secret": serializers.CharField(write_only=True),
}
Fast, Plain = (
    type("Fast", (ReadOnlySerializer,), dict(FIELDS)),
    type("Plain", (serializers.Serializer,), dict(FIELDS)),
)


def nested(base):
    class Outer(base):
        one = Fast(source="*")
        many = Fast(many=True, source="parts")

    return Outer()


def instance(**values):
    owner = SimpleNamespace(email="ada@example.com")
    defaults = {
        "id": uuid7(),
        "name": 'a "b"',
        "owner": owner,
        "count": 3,
        "open": True,
        "status": Status.PAID,
    }
    return SimpleNamespace(**{**defaults, "at": datetime(2026, 11, 27, 8, 30, tzinfo=UTC), **values})


@pytest.mark.parametrize(
    "values", [{}, dict.fromkeys(["id", "name", "count", "open", "status", "at"]), {"count": "7"}]
)
def test_it_is_what_drf_shows(values):
    row = instance(parts=[instance(**values), instance()], **values)
    assert nested(Fast).to_representation(row) == nested(Plain).to_representation(row)
    assert "secret" not in nested(Fast).to_representation(row)
