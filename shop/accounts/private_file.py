"""Log handler and formatter of the security log."""

import os
from datetime import UTC, datetime
from io import TextIOWrapper
from logging import Formatter, LogRecord
from logging.handlers import WatchedFileHandler


class PrivateFileHandler(WatchedFileHandler):
    """Append to a file that only its owner may read; open a new one when a rotation has moved it."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.fchmod(descriptor, 0o600)  # a file from before, and whatever the umask
        return open(descriptor, self.mode, encoding="utf-8")  # type: ignore[return-value]


class UtcFormatter(Formatter):
    """Formatter with times in UTC, as RFC 3339 writes them."""

    def formatTime(self, record: LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Return the time of a record, in milliseconds."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
