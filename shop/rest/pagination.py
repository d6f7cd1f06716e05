"""Keyset pagination: pages at constant cost in a list of any length."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from shop.postgres.planning import custom_plans
from shop.rest.lists import OfficeList

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class KeysetPagination(CursorPagination):
    """Pages by primary key, newest first: UUIDv7 and sequence keys both grow with time."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int | None:
        """Return the number of rows. One that is out of range is refused, not ignored."""
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        if not _NUMBER.fullmatch(given) or not 1 <= int(given) <= self.max_page_size:
            text = f"Choose a number between 1 and {self.max_page_size}."
            raise serializers.ValidationError({self.page_size_query_param: [text]}, code="out_of_range")
        return int(given)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters with their limits."""
        cursor, size = super().get_schema_operation_parameters(view)
        cursor["schema"]["minLength"] = 1
        size["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [cursor, size, *(view.list_parameters() if isinstance(view, OfficeList) else ())]

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return the order that the caller has chosen, or newest first."""
        chosen = view.order(request) if isinstance(view, OfficeList) else None
        return chosen or tuple(super().get_ordering(request, queryset, view))

    def paginate_queryset(self, *args: Any, **kwargs: Any) -> list[Any] | None:
        """Return a page. An invalid cursor is answered with 404."""
        try:
            with custom_plans():
                page: list[Any] | None = super().paginate_queryset(*args, **kwargs)
        except (ValidationError, ValueError) as error:
            raise NotFound("The cursor is not one of ours: start again without it.") from error
        return page
