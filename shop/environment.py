"""Values of environment variables, for the settings."""

import json
import os
from datetime import timedelta
from typing import Any


def flag(name: str, default: str = "0") -> bool:
    """Tell whether a variable is set to something like yes."""
    return os.environ.get(name, default).lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    """Return a whole number."""
    return int(os.environ.get(name, default))


def listed(name: str, default: str = "") -> list[str]:
    """Return the parts of a list with commas; none of them is empty."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def seconds(name: str, default: float) -> timedelta:
    """Return a time that is given in seconds."""
    return timedelta(seconds=float(os.environ.get(name, default)))


def days(name: str, default: float) -> timedelta:
    """Return a time that is given in days."""
    return timedelta(days=float(os.environ.get(name, default)))


def storages() -> dict[str, dict[str, Any]]:
    """Return Django's storages: that of uploaded files is a folder, or a class with its options as JSON."""
    backend = os.environ.get("SHOP_MEDIA_STORAGE") or "django.core.files.storage.FileSystemStorage"
    options = json.loads(os.environ.get("SHOP_MEDIA_STORAGE_OPTIONS") or "{}")
    return {
        "default": {"BACKEND": backend, "OPTIONS": options},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
