"""Pages at constant cost, however long the list: keyset pagination."""

from rest_framework.pagination import CursorPagination


class KeysetPagination(CursorPagination):
    """Newest first, by the primary key: UUIDv7 and sequence keys both grow with time."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 200
