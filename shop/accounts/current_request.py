"""Request in progress, for code that is not given it, such as signal receivers."""

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_current: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def current_request() -> HttpRequest | None:
    """Return the request in progress; None in a command, a task, or a worker."""
    return _current.get()


class CurrentRequestMiddleware:
    """Remember each request while it is handled."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request."""
        token = _current.set(request)
        try:
            return self.get_response(request)
        finally:
            _current.reset(token)
