"""Keyset pagination: pages at constant cost in a list of any length."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination

from shop.postgres.planning import custom_plans


class KeysetPagination(CursorPagination):
    """Pages by primary key, newest first: UUIDv7 and sequence keys both grow with time."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(self, *args: Any, **kwargs: Any) -> list[Any] | None:
        """Return a page. An invalid cursor is answered with 404."""
        try:
            with custom_plans():
                page: list[Any] | None = super().paginate_queryset(*args, **kwargs)
        except (ValidationError, ValueError) as error:
            raise NotFound("The cursor is not one of ours: start again without it.") from error
        return page
