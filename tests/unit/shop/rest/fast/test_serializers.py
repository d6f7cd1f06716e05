"""What is shown quickly is what DRF would show."""

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
Quick, Plain = (
    type("Quick", (ReadOnlySerializer,), dict(FIELDS)),
    type("Plain", (serializers.Serializer,), dict(FIELDS)),
)


def made(kind):
    class Outer(kind):
        one = Quick(source="*")
        many = Quick(many=True, source="parts")

    return Outer()


def a_thing(**values):
    owner = SimpleNamespace(email="ada@example.com")
    given = {"id": uuid7(), "name": 'a "b"', "owner": owner, "count": 3, "open": True, "status": Status.PAID}
    return SimpleNamespace(**{**given, "at": datetime(2026, 11, 27, 8, 30, tzinfo=UTC), **values})


@pytest.mark.parametrize(
    "values", [{}, dict.fromkeys(["id", "name", "count", "open", "status", "at"]), {"count": "7"}]
)
def test_it_is_what_drf_shows(values):
    thing = a_thing(parts=[a_thing(**values), a_thing()], **values)
    assert made(Quick).to_representation(thing) == made(Plain).to_representation(thing)
    assert "secret" not in made(Quick).to_representation(thing)
