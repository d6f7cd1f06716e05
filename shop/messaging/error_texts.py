"""Error texts in a form that PostgreSQL can store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


def without_nul(text: object) -> str:
    """``text`` as PostgreSQL can store it: without NUL, which may be in whatever a stranger says."""
    return str(text).replace("\x00", "\\x00")


def describe(error: BaseException) -> str:
    """An error in a line, to be stored."""
    return f"{type(error).__name__}: {without_nul(error)}"
