"""ETags of representations: for caches (If-None-Match), and against decisions on outdated ones (If-Match)."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags
from rest_framework.mixins import RetrieveModelMixin
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from shop.rest.problems import Problem


class PreconditionFailed(Problem, code="precondition_failed"):
    """Request that names another state of the resource than the present one (412)."""

    default_detail = "The resource has changed: read it again, decide anew, and send its new ETag."


def etag_of(data: Any) -> str:
    """Return the ETag of a representation."""
    return f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'


def check_if_match(request: Request, represent: Callable[[], Any]) -> None:
    """Check that the client decides on the present representation, if it names one.

    Args:
        request: may have the header If-Match.
        represent: locks the resource until the open transaction ends, and returns its representation.

    Raises:
        PreconditionFailed: If-Match names another state.
    """
    if "If-Match" not in request.headers:
        return
    named = parse_etags(request.headers["If-Match"])
    if etag_of(represent()) not in named and named != ["*"]:
        raise PreconditionFailed


class ETagged(RetrieveModelMixin):
    """Mixin of views that read one resource: sends its ETag, and 304 to whoever has it already."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the resource with its ETag."""
        response = super().retrieve(request, *args, **kwargs)
        response["ETag"] = etag = etag_of(response.data)
        conditional: Any = get_conditional_response(request._request, etag, None, response)
        return conditional or response
