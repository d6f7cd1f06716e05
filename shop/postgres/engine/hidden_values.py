"""Errors of the database without the values of rows: they reach logs, dead letters and results of tasks.

PostgreSQL adds details such as *Failing row contains (…, Alice Liddell, …)* to the message of an error.
"""

import re
from types import TracebackType
from typing import Any

from django.db.utils import DatabaseErrorWrapper

#: Class of the errors whose first line quotes a value: data exceptions.
_DATA_EXCEPTIONS = "22"
#: A write in a session that takes none.
READ_ONLY = "25006"
_QUOTED = re.compile(r'"[^"]*("|$)', re.DOTALL)


def hide_values(error: BaseException) -> None:
    """Reduce the message of a psycopg error to its first line, without a value; ``diag`` stays as it is."""
    diagnosis = getattr(error, "diag", None)
    if message := getattr(diagnosis, "message_primary", None):
        is_data = str(getattr(error, "sqlstate", "")).startswith(_DATA_EXCEPTIONS)
        error.args = (_QUOTED.sub('"…"', message) if is_data else message,)


class ValueHidingWrapper(DatabaseErrorWrapper):
    """Django's translation of psycopg's errors, with hidden values; it notes that a write was refused."""

    wrapper: Any

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hide the values in the error, and have Django raise its own for it."""
        if exc_value is not None:
            hide_values(exc_value)
            if getattr(exc_value, "sqlstate", None) == READ_ONLY:
                self.wrapper.has_refused_write = True
        super().__exit__(exc_type, exc_value, traceback)
