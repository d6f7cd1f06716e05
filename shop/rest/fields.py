"""Serializer fields of several contexts: money, links, and strict fields of requests."""

import re
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.urls import get_script_prefix, reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.relations import Hyperlink
from rest_framework.request import Request
from rest_framework.reverse import preserve_builtin_query_params

from shop.currencies import as_text, fits
from shop.rest.strict import StrictSerializer

_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^-?\d+(\.\d{1,4})?$", "example": "49.90"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "example": "EUR"},
    },
    "required": ["amount", "currency"],
}
#: An amount as it is written: 15 digits and 4 decimals are the most that events carry.
_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,4})?", re.ASCII)
#: Placeholder for the id in a cached path.
_PLACEHOLDER = UUID(int=0)


@extend_schema_field(_SCHEMA)
class MoneyField(serializers.Field[Any, Any, dict[str, str], Any]):
    """Amount and currency columns as one object, ``{"amount": "49.90", "currency": "EUR"}``. Read-only."""

    def __init__(self, *, amount: str, currency: str = "currency") -> None:
        self.amount, self.currency = amount, currency
        super().__init__(source="*", read_only=True)

    def to_representation(self, instance: Any) -> dict[str, str]:
        """Return amount and currency."""
        amount, currency = getattr(instance, self.amount), getattr(instance, self.currency)
        return {"amount": as_text(amount, currency), "currency": currency}


class LinkField(serializers.HyperlinkedIdentityField):
    """Link to an object with a UUID; the rest of the URL is built once per request.

    DRF takes 60 us for each URL, half of it in Django for the host.
    """

    def to_representation(self, value: Any) -> Hyperlink:
        """Return the link to an object."""
        context: Any = self.context
        affixes = context.get((LinkField, self.view_name))
        if affixes is None:
            affixes = context[LinkField, self.view_name] = self._affixes(context["request"])
        prefix, suffix = affixes
        return Hyperlink(f"{prefix}{value.pk}{suffix}", value)

    def _affixes(self, request: Request) -> tuple[str, str]:
        """Return the parts of the URL before and after the id."""
        url = request.build_absolute_uri(_path(self.view_name, get_script_prefix()))
        prefix, _, suffix = preserve_builtin_query_params(url, request).rpartition(str(_PLACEHOLDER))
        return prefix, suffix


class TextField(serializers.CharField):
    """Text, written as JSON text: DRF takes numbers for text, too."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse what is no text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MoneyIn(StrictSerializer):
    """Amount of money in a request, with no more decimals than its currency, and more than nothing."""

    amount = TextField(max_length=20, help_text="As in 49.90.")
    currency = TextField(max_length=3, help_text="ISO 4217, as in EUR.")

    def validate(self, data: dict[str, str]) -> dict[str, Any]:
        """Read the amount."""
        amount = _read_amount(data["amount"])
        if amount is None or not fits(amount, data["currency"]):
            text = "Write an amount such as 49.90, with no more decimals than its currency of ISO 4217."
            raise serializers.ValidationError({"amount": text}, code="invalid")
        if amount <= 0:
            raise serializers.ValidationError({"amount": "Write more than nothing."}, code="min_value")
        return {"amount": amount, "currency": data["currency"]}


def _read_amount(text: str) -> Decimal | None:
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


class AddressField(TextField, serializers.EmailField):
    """E-mail address, written as JSON text."""


class FlagField(serializers.BooleanField):
    """True or false, written as JSON's: DRF takes "yes", 1 and the like, too."""

    def to_internal_value(self, data: Any) -> bool:
        """Refuse what is neither true nor false."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class WholeNumberField(serializers.IntegerField):
    """Whole number, written as one: 2, not "2", 2.0 or true."""

    def to_internal_value(self, data: Any) -> int:
        """Refuse numbers that are not written as whole ones."""
        if type(data) is not int:
            raise serializers.ValidationError("Write a whole number, as in 2.", code="invalid")
        return super().to_internal_value(data)


@cache
def _path(view_name: str, script_prefix: str) -> str:
    return reverse(view_name, kwargs={"pk": _PLACEHOLDER})
