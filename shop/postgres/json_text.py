"""JSON as text, for messages and the parameters of statements: orjson takes a tenth of the time."""

from typing import Any

import orjson

#: Parse JSON; ValueError if it is none. Stricter than the standard library, which takes NaN.
loads = orjson.loads


def dumps(value: Any) -> str:
    """Write a value as JSON; what JSON does not know is written as its string, as in a Decimal."""
    return orjson.dumps(value, default=str).decode()
