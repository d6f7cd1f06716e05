"""Money on the wire: ``{"amount": "49.90", "currency": "EUR"}``."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^-?\d+\.\d{2}$", "example": "49.90"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "example": "EUR"},
    },
    "required": ["amount", "currency"],
}


@extend_schema_field(_SCHEMA)
class MoneyField(serializers.Field[Any, Any, dict[str, str], Any]):
    """Show an amount column together with the currency column beside it; never read from a client."""

    def __init__(self, *, amount: str, currency: str = "currency") -> None:
        self.amount, self.currency = amount, currency
        super().__init__(source="*", read_only=True)

    def to_representation(self, instance: Any) -> dict[str, str]:
        amount = getattr(instance, self.amount)
        return {"amount": f"{amount:.2f}", "currency": getattr(instance, self.currency)}
