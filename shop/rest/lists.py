"""Lists for programs of the back office: chosen fields, an order of the caller's, and CSV."""

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

FIELDS, SORT = "fields", "sort"
#: First characters of a text that spreadsheets take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvRenderer(BaseRenderer):
    """A page of a list as CSV. The header ``Link`` leads to the next page."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Render the rows, nested fields by their paths, as in ``total.amount``."""
        context = renderer_context or {}
        if not isinstance(data, dict) or "results" not in data:
            return bytes(JSONRenderer().render(data))
        if data.get("next"):
            context["response"]["Link"] = f'<{data["next"]}>; rel="next"'
        rows = [dict(_flat(row)) for row in data["results"]]
        names = list(dict.fromkeys(name for row in rows for name in row)) or context["view"].field_names()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()


class OfficeList:
    """Mixin of list views, before them: ``fields``, ``sort`` and CSV."""

    #: Names to sort by, and their columns; each has an index. The first one is the default, newest first.
    sorts: ClassVar[Mapping[str, str]] = {}

    def get_renderers(self) -> list[Any]:
        """Offer CSV for what is read."""
        given: Any = self
        renderers: list[Any] = super().get_renderers()  # type: ignore[misc]  # of a view
        is_read = getattr(given.request, "method", "GET") in ("GET", "HEAD", "OPTIONS")
        return [*renderers, CsvRenderer()] if is_read else renderers

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer with the fields that are asked for."""
        serializer = super().get_serializer(*args, **kwargs)  # type: ignore[misc]  # of a view
        wanted = self._wanted()
        shown = getattr(serializer, "child", serializer).fields
        for name in set(shown) - wanted if wanted else ():
            shown.pop(name)
        return serializer

    def _wanted(self) -> set[str]:
        """Return the fields that are asked for; none for all."""
        request: Request = getattr(self, "request")  # noqa: B009 - of a view
        given = request.query_params.get(FIELDS, "") if request.method == "GET" else ""
        names, known = given.split(","), self.field_names()
        wanted = set(filter(None, names))
        if unknown := wanted - set(known):
            text = f"Unknown: {', '.join(sorted(unknown))}. Choose of {', '.join(known)}."
            raise serializers.ValidationError({FIELDS: [text]}, code="invalid_choice")
        if len(names) > len(known):
            text = f"There are {len(known)} fields: ask for each once."
            raise serializers.ValidationError({FIELDS: [text]}, code="invalid")
        return wanted

    @classmethod
    def field_names(cls) -> list[str]:
        """Return the names of all fields."""
        serializer: Any = cls.serializer_class  # type: ignore[attr-defined]  # of a view
        return list(serializer().fields)

    @classmethod
    def choices(cls) -> list[str]:
        """Return the values of ``sort``."""
        return [f"{sign}{name}" for name in cls.sorts for sign in ("-", "")]

    def order(self, request: Request) -> tuple[str, ...] | None:
        """Return the columns to sort by; None for the default."""
        given = request.query_params.get(SORT)
        if given is None:
            return None
        if given not in self.choices():
            text = f"Choose one of {', '.join(self.choices())}."
            raise serializers.ValidationError({SORT: [text]}, code="invalid_choice")
        sign, column = "-" * given.startswith("-"), self.sorts[given.removeprefix("-")]
        return (f"{sign}{column}",) if column == "pk" else (f"{sign}{column}", f"{sign}pk")

    @classmethod
    def list_parameters(cls) -> list[dict[str, Any]]:
        """Return the parameters of the mixin for the OpenAPI document."""
        known = cls.field_names()
        names, further = "|".join(known), len(known) - 1
        fields = {
            "name": FIELDS,
            "in": "query",
            "description": "Only these fields, with commas between.",
            "schema": {"type": "string", "pattern": f"^({names})(,({names})){{0,{further}}}$"},
        }
        sort = {
            "name": SORT,
            "in": "query",
            "description": "Order of the list; `-` for the largest first.",
            "schema": {"type": "string", "enum": cls.choices()},
        }
        return [fields, *([sort] if cls.sorts else [])]


def _flat(row: Mapping[str, Any], prefix: str = "") -> Any:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _cell(value)


def _cell(value: Any) -> str:
    """Return a value as a text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else str(value)
