"""Every address of the product, with values for the variable parts of its pattern."""

import re
from collections.abc import Iterator

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver

#: Value by converter, for patterns such as ``orders/<uuid:pk>``; else by name.
_UUID = "0199b1d0-0000-7000-8000-000000000001"
_BY_CONVERTER = {"uuid": _UUID, "int": "1", "sku": "MUG", "number": "ORD-1001", "path": "1"}
_BY_NAME = {"pk": _UUID, "refund_id": _UUID, "sku": "MUG", "format": ".json"}


def addresses() -> list[str]:
    """Return every address once."""
    return sorted(set(_paths(get_resolver(), "/")))


def _paths(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        path = prefix + _filled(entry)
        if isinstance(entry, URLResolver):
            yield from _paths(entry, path)
        else:
            yield path


def _filled(entry: URLPattern | URLResolver) -> str:
    route = str(entry.pattern)
    if entry.pattern.__class__.__name__ == "RegexPattern":
        route = simplify_regex(route).lstrip("/")
    return re.sub(r"<(?:(\w+):)?(\w+)>", lambda m: _BY_CONVERTER.get(m[1]) or _BY_NAME.get(m[2], "x"), route)
