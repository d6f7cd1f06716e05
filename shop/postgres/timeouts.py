"""Statements that the database gave up, because they took longer than a web request may."""

from django.db import OperationalError
from psycopg.errors import QueryCanceled

#: Text for whoever asked for too much.
REMEDY = "This took too long and was given up: ask for less at once, or try again later."


def timed_out(error: BaseException | None) -> bool:
    """Tell whether the database gave a statement up."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled)
