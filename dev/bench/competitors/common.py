"""Common settings of the competitors."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit


def database(variable: str = "BENCH_DATABASE_URL") -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for a URL in the environment, with persistent connections."""
    url = urlsplit(os.environ[variable])
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": url.hostname,
            "PORT": url.port,
            "USER": url.username,
            "PASSWORD": unquote(url.password or ""),
            "NAME": url.path.removeprefix("/"),
            "CONN_MAX_AGE": None,
        }
    }
