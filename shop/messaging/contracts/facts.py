"""Value types of events: parts of an event, and money."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Amount = Annotated[
    Decimal,
    Field(max_digits=12, decimal_places=2, examples=["49.90"]),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str, when_used="json"),
]

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class Fact(BaseModel):
    """Base class of events and their parts: frozen, and tolerant of unknown fields.

    Errors leave out the wrong values: they reach logs, and may be personal data.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Money(Fact):
    """An amount in a currency, on the wire ``{"amount": "49.90", "currency": "EUR"}``."""

    amount: Amount
    currency: Currency

    def __str__(self) -> str:
        return f"{self.amount:.2f} {self.currency}"
