"""Serializers that are made once a thread: DRF copies all fields for each, a fifth of what an order takes."""

import threading
from collections.abc import Mapping
from typing import Any, TypeVar

from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

S = TypeVar("S", bound=Serializer[Any])

_made = threading.local()


def validated(kind: type[S], data: Any) -> Any:
    """What ``kind`` makes of a client's data; ValidationError, as ever, if that is wrong."""
    try:
        return _reused(kind).run_validation(data)
    except ValidationError:
        refusing = kind(data=data)  # it knows best how to put it
        refusing.is_valid(raise_exception=True)
        raise


def represented(kind: type[S], instance: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    """``instance`` as ``kind`` shows it."""
    serializer: Any = _reused(kind)
    serializer._context = context
    try:
        shown: dict[str, Any] = serializer.to_representation(instance)
    finally:
        serializer._context = {}  # it holds the request
    return shown


def _reused(kind: type[S]) -> S:
    known: dict[Any, Any] = _made.__dict__
    made: S | None = known.get(kind)
    if made is None:
        made = known[kind] = kind()
    return made
