"""Pages at constant cost, however long the list: keyset pagination."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination

from shop.postgres.planning import custom_plans


class KeysetPagination(CursorPagination):
    """Newest first, by the primary key: UUIDv7 and sequence keys both grow with time."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(self, *args: Any, **kwargs: Any) -> list[Any] | None:
        """Take a page; a cursor that somebody made up is 404, as an unreadable one."""
        try:
            with custom_plans():
                page: list[Any] | None = super().paginate_queryset(*args, **kwargs)
        except (ValidationError, ValueError) as error:
            raise NotFound("The cursor is not one of ours: start again without it.") from error
        return page
