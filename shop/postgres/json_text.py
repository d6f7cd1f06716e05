"""JSON text of messages and statement parameters, by orjson: ten times as fast as the standard library."""

from typing import Any

import orjson

#: Parse JSON; raise ValueError if it is invalid. Unlike the standard library it rejects NaN.
loads = orjson.loads


def dumps(value: Any) -> str:
    """Serialize a value to JSON; types without a JSON counterpart, such as Decimal, by str()."""
    return orjson.dumps(value, default=str).decode()
