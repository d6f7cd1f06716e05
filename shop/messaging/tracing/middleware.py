"""Start a trace for every web request, so that all an order sets off can be found by one id."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from shop.messaging.tracing import trace


class TraceMiddleware:
    """Continue the caller's ``traceparent`` and ``X-Correlation-ID``; answer with the latter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = trace.begin(
            request.headers.get("traceparent", ""), _uuid(request.headers.get("X-Correlation-ID", ""))
        )
        with trace.using(started):
            response = self.get_response(request)
        response["X-Correlation-ID"] = str(started.correlation_id)
        return response


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
