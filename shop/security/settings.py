"""Settings of HTTPS, cookies and private documents, by the environment."""

from typing import Any

from shop.environment import flag, seconds

#: One year, as the preload list of browsers asks for.
_HSTS_SECONDS = 31_536_000


def security_settings() -> dict[str, Any]:
    """Return the settings."""
    return {
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,  # all pages carry the token themselves
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "LANGUAGE_COOKIE_HTTPONLY": True,
        "LANGUAGE_COOKIE_SAMESITE": "Lax",
        "LANGUAGE_COOKIE_AGE": 31_536_000,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        #: Age of what waits for a relay from which /readyz answers 503; 0 for never.
        "SHOP_READY_RELAY_LIMIT": seconds("SHOP_READY_RELAY_SECONDS", 0),
        #: Serve the OpenAPI and AsyncAPI documents, their pages, and the browsable API.
        "SHOP_API_DOCS": flag("SHOP_API_DOCS", "1"),
        # Preloading is a decision about all hosts of a domain, not a default.
        "SILENCED_SYSTEM_CHECKS": ["security.W021"],
        **(_https_settings() if flag("DJANGO_HTTPS") else {}),
    }


def _https_settings() -> dict[str, Any]:
    return {
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": _HSTS_SECONDS,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": flag("SHOP_HSTS_SUBDOMAINS", "1"),
        "SECURE_HSTS_PRELOAD": flag("SHOP_HSTS_PRELOAD"),
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "LANGUAGE_COOKIE_SECURE": True,
        # Browsers refuse such a cookie from a subdomain and without TLS.
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
    }
