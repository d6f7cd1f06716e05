"""Middleware that starts a trace for each request, so that all events it leads to share a correlation id."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from shop.messaging.tracing import trace


class TraceMiddleware:
    """Continue the trace of the request's headers ``traceparent`` and ``X-Correlation-ID``.

    The response has the header ``X-Correlation-ID``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request within its trace."""
        started = trace.begin(
            request.headers.get("traceparent", ""), _uuid_or_none(request.headers.get("X-Correlation-ID", ""))
        )
        with trace.using(started):
            response = self.get_response(request)
        response["X-Correlation-ID"] = str(started.correlation_id)
        return response


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
