"""Query parameters that a view of the REST API knows."""

from functools import cache
from typing import Any

from rest_framework.mixins import ListModelMixin

from shop.rest.lists import OfficeList


def known_parameters(view: Any, method: str) -> frozenset[str] | None:
    """Return the names of the query parameters of a URL's view; None if the view looks at them itself."""
    cls = getattr(view, "cls", None)
    if cls is None or cls.__module__.startswith("drf_spectacular") or method == "OPTIONS":
        return None
    actions = getattr(view, "actions", None)
    name = (actions or {}).get(method.lower()) if actions else method.lower().replace("head", "get")
    if not name or not hasattr(cls, name):
        return None  # the view refuses the method
    return _of_class(cls, name if actions else None, method in ("GET", "HEAD"))


@cache
def _of_class(cls: Any, action: str | None, reads: bool) -> frozenset[str]:
    if not reads:
        writing = getattr(cls, "writing_parameters", None)
        return frozenset(writing().fields if writing else ())
    if serializer := getattr(cls, "parameters", None):
        return frozenset(serializer().fields)
    if not issubclass(cls, ListModelMixin) or action not in (None, "list"):
        return frozenset()
    filters = getattr(cls, "filterset_class", None)
    office = cls.list_parameters() if issubclass(cls, OfficeList) else ()
    return frozenset(
        [
            *(filters.base_filters if filters else ()),
            *_of_pages(cls.pagination_class),
            *(parameter["name"] for parameter in office),
        ]
    )


def _of_pages(paginator: Any) -> tuple[str, ...]:
    return (paginator.cursor_query_param, paginator.page_size_query_param) if paginator else ()
