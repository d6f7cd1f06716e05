"""Health checks for load balancers and orchestrators."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from shop.security.readiness import is_read_only, readyz


def livez(request: HttpRequest) -> HttpResponse:
    """Answer ``ok`` if this process answers at all. To restart it mends no database, so it asks none."""
    return HttpResponse("ok", content_type="text/plain")


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer ``ok`` if this process can reach its database and write to it, otherwise 503.

    A session that is read-only is closed: the next probe tries another.
    """
    if is_read_only():
        connection.close()
        return HttpResponse("the database is read-only", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


#: Checks by path.
CHECKS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": healthz,
    "/livez": livez,
    "/readyz": readyz,
}


class HealthCheck:
    """Middleware that answers probes ahead of all others.

    A probe comes without TLS and names an address as its host, so neither the redirect to HTTPS nor
    ALLOWED_HOSTS may apply to it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a probe; pass other requests on."""
        return CHECKS.get(request.path_info, self.get_response)(request)
