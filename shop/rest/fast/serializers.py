"""Read-only serializers that inspect their fields once, where DRF does it for each row."""

from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar

from rest_framework import serializers

M = TypeVar("M")

#: Conversions of a value that is not None, by field class.
_CONVERSIONS: dict[type, Callable[[Any], Any]] = {
    serializers.CharField: str,
    serializers.EmailField: str,
    serializers.IntegerField: int,
    serializers.UUIDField: str,
}


class ReadOnlySerializer(serializers.Serializer[M]):
    """DRF's serializer in half the time. Sources are attributes or ``*``, not methods or mapping keys."""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Serialize an instance."""
        return {
            name: None if (value := get(instance)) is None else convert(value)
            for name, get, convert in self._accessors
        }

    @cached_property
    def _accessors(self) -> list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]]:
        """Name, getter and conversion of each field."""
        return [
            (
                name,
                attrgetter(".".join(field.source_attrs)) if field.source_attrs else _identity,
                _CONVERSIONS.get(type(field)) or field.to_representation,
            )
            for name, field in self.fields.items()
            if not field.write_only
        ]


def _identity(instance: Any) -> Any:
    return instance
