"""Columns of amounts of money."""

from typing import Any

from django.core.checks import CheckMessage
from django.db import models


class AmountField(models.DecimalField[Any, Any]):
    """Amount of money as ``numeric`` without a width: sums do not overflow, and a currency decides decimals.

    PostgreSQL widens ``numeric(12, 2)`` to it without a rewrite of the table.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_digits = self.decimal_places = None  # type: ignore[assignment]

    def db_type(self, connection: Any) -> str:
        """Return the type of the column."""
        return "numeric"

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Check what is checked of every field: there is no width to be checked."""
        return models.Field.check(self, **kwargs)
