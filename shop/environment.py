"""Values of environment variables, for the settings."""

import os
from datetime import timedelta


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
