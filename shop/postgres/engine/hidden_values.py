"""Errors of the database without the values of rows: they reach logs, dead letters and results of tasks.

PostgreSQL adds details such as *Failing row contains (…, Alice Liddell, …)* to the message of an error.
"""

import re
from types import TracebackType

from django.db.utils import DatabaseErrorWrapper

#: Class of the errors whose first line quotes a value: data exceptions.
_DATA_EXCEPTIONS = "22"
_QUOTED = re.compile(r'"[^"]*("|$)', re.DOTALL)


def hide_values(error: BaseException) -> None:
    """Reduce the message of a psycopg error to its first line, without a value; ``diag`` stays as it is."""
    diagnosis = getattr(error, "diag", None)
    if message := getattr(diagnosis, "message_primary", None):
        is_data = str(getattr(error, "sqlstate", "")).startswith(_DATA_EXCEPTIONS)
        error.args = (_QUOTED.sub('"…"', message) if is_data else message,)


class ValueHidingWrapper(DatabaseErrorWrapper):
    """Django's translation of psycopg's errors, with hidden values."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hide the values in the error, and have Django raise its own for it."""
        if exc_value is not None:
            hide_values(exc_value)
        super().__exit__(exc_type, exc_value, traceback)
