"""Settings of CORS: browsers of other origins that may call the REST API, with keys and without cookies."""

from typing import Any

from shop.environment import listed

#: Headers of requests and of answers that such a browser may send and see, beside the usual ones.
_SENT = ("idempotency-key", "if-match", "if-none-match")
_SEEN = (
    *("ETag", "Location", "Link", "Retry-After", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy"),
    *("Deprecation", "Sunset"),
)
_USUAL = ("accept", "authorization", "content-type", "user-agent", "x-csrftoken", "x-requested-with")


def cors_settings(apps: list[str], middleware: list[str]) -> dict[str, Any]:
    """Return the settings of django-cors-headers, and add it to apps and middleware, if origins are named.

    It stands before everything else, so that refusals can be read, too.
    """
    origins = listed("SHOP_CORS_ORIGINS")
    if not origins:
        return {}
    apps.append("corsheaders")
    middleware.insert(0, "corsheaders.middleware.CorsMiddleware")
    return {
        "CORS_ALLOWED_ORIGINS": origins,
        "CORS_URLS_REGEX": r"^/api/v1/",
        "CORS_ALLOW_CREDENTIALS": False,
        "CORS_ALLOW_HEADERS": (*_USUAL, *_SENT),
        "CORS_EXPOSE_HEADERS": _SEEN,
    }
