"""Response headers that restrict what a browser does with an answer."""

from collections.abc import Callable, Mapping

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Content Security Policy of pages: scripts, styles and requests of this site alone, nothing inline, no eval.
PAGES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
#: Exceptions by prefix of the path. docs/security.md gives the reason for each.
EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "/admin/notifications/notification/": {"frame-src": "'self'"},
}
#: Policy of answers that are no page, such as JSON.
DATA = {"default-src": "'none'", "frame-ancestors": "'none'"}
#: Abilities of the browser that no page needs.
_UNUSED = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
    "screen-wake-lock", "usb", "xr-spatial-tracking",
)  # fmt: skip
#: Headers of every answer, beside those of Django's SecurityMiddleware.
COMMON = {
    "Permissions-Policy": ", ".join(f"{ability}=()" for ability in _UNUSED),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
#: Paths whose answers are personal even to a visitor without a session.
_PERSONAL = ("/accounts/", "/admin/", "/api/auth/", "/api/v1/token", "/o/")


def policy(directives: Mapping[str, str]) -> str:
    """Return the value of a Content-Security-Policy header."""
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


_DATA, _PAGES = policy(DATA), policy(PAGES)
#: Headers of an answer that is no page, for what answers outside of Django's middleware.
DATA_HEADERS = {
    **COMMON,
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": _DATA,
    "Cache-Control": "no-store",
}
_EXCEPTIONS = {prefix: policy({**PAGES, **changes}) for prefix, changes in EXCEPTIONS.items()}


class SecurityHeaders:
    """Outermost middleware: sets the headers that the view has not set itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the headers to the answer."""
        response = self.get_response(request)
        headers = response.headers
        for name, value in COMMON.items():
            headers.setdefault(name, value)
        if not (settings.DEBUG and response.status_code in {404, 500}):  # Django's page has inline styles
            headers.setdefault("Content-Security-Policy", _policy_of(request, response))
        if _is_personal(request) and "no-store" not in headers.get("Cache-Control", ""):
            headers["Cache-Control"] = "no-store"
        return response


def _policy_of(request: HttpRequest, response: HttpResponseBase) -> str:
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return _DATA
    for prefix, value in _EXCEPTIONS.items():
        if request.path_info.startswith(prefix):
            return value
    return _PAGES


def _is_personal(request: HttpRequest) -> bool:
    """Tell whether the answer may be for this visitor alone."""
    if request.path_info.startswith((settings.STATIC_URL, settings.MEDIA_URL)):
        return False
    return (
        "HTTP_AUTHORIZATION" in request.META
        or settings.SESSION_COOKIE_NAME in request.COOKIES
        or request.path_info.startswith(_PERSONAL)
    )
