"""Serializers of requests: they refuse unknown fields, and stop at a number of errors."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from shop.rest.problems import MAX_ERRORS, unknown_names


class StrictSerializer(serializers.Serializer[Any]):
    """Serializer that refuses unknown fields, so that no client believes they counted."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate the known fields, and refuse the others in the same answer."""
        unknown = unknown_names(data, self.fields) if isinstance(data, dict) else []
        errors = {name: [self.remedy(name)] for name in unknown}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**_by_field(error), **errors}) from error
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def remedy(self, name: str) -> ErrorDetail:
        """Tell what to do about an unknown field."""
        known = ", ".join(self.fields)
        return ErrorDetail(f"Remove this field: it is unknown. Known are {known}.", "unknown_field")


class StrictList(serializers.ListSerializer[Any]):
    """List that validates no further item once it has more errors than an answer shows."""

    _errors = 0

    def to_internal_value(self, data: Any) -> list[Any]:
        """Validate the items."""
        self._errors = 0
        items: list[Any] = super().to_internal_value(data)
        return items

    def run_child_validation(self, data: Any) -> Any:
        """Validate an item, unless the list is refused anyway."""
        if self._errors > MAX_ERRORS:
            return {}
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as error:
            self._errors += len(error.detail)
            raise


def _by_field(error: serializers.ValidationError) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
