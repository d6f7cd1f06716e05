"""Fields that several contexts show: money, ``{"amount": "49.90", "currency": "EUR"}``, and links."""

from functools import cache
from typing import Any
from uuid import UUID

from django.urls import get_script_prefix, reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.relations import Hyperlink
from rest_framework.request import Request
from rest_framework.reverse import preserve_builtin_query_params

_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^-?\d+\.\d{2}$", "example": "49.90"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "example": "EUR"},
    },
    "required": ["amount", "currency"],
}
#: Stands for any id.
_ANY = UUID(int=0)


@extend_schema_field(_SCHEMA)
class MoneyField(serializers.Field[Any, Any, dict[str, str], Any]):
    """Show an amount column together with the currency column beside it; never read from a client."""

    def __init__(self, *, amount: str, currency: str = "currency") -> None:
        self.amount, self.currency = amount, currency
        super().__init__(source="*", read_only=True)

    def to_representation(self, instance: Any) -> dict[str, str]:
        amount = getattr(instance, self.amount)
        return {"amount": f"{amount:.2f}", "currency": getattr(instance, self.currency)}


class LinkField(serializers.HyperlinkedIdentityField):
    """The address of an object with a UUID; all but that is put together once a request.

    DRF takes 60 us for each path, and Django half of that to find out under which host it was called.
    """

    def to_representation(self, value: Any) -> Hyperlink:
        context: Any = self.context
        around = context.get((LinkField, self.view_name))
        if around is None:
            around = context[LinkField, self.view_name] = self._around(context["request"])
        before, after = around
        return Hyperlink(f"{before}{value.pk}{after}", value)

    def _around(self, request: Request) -> tuple[str, str]:
        """What comes before and after the id."""
        address = request.build_absolute_uri(_path(self.view_name, get_script_prefix()))
        before, _, after = preserve_builtin_query_params(address, request).rpartition(str(_ANY))
        return before, after


@cache
def _path(view_name: str, script_prefix: str) -> str:
    return reverse(view_name, kwargs={"pk": _ANY})
