"""Progress of a long management command, shown as one line of text."""

import time
from types import TracebackType

from django.core.management.base import OutputWrapper

#: Seconds between two lines: a terminal's is rewritten in place, a file or pipe gets a new one.
TERMINAL_INTERVAL, FILE_INTERVAL = 0.1, 10.0


class ProgressLine:
    """Context manager that shows a count; the last count is always written."""

    def __init__(self, label: str, stream: OutputWrapper) -> None:
        self._label, self._stream = label, stream
        self._in_place = stream.isatty()
        self._interval = TERMINAL_INTERVAL if self._in_place else FILE_INTERVAL
        self._text = self._written = ""
        self._next_at = 0.0

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._text and (self._in_place or self._text != self._written):
            self._write(ending="\n")

    def show(self, done: int, total: int) -> None:
        """Show ``done`` of ``total``, unless the line was written a moment ago."""
        self._text = f"{self._label}: {done:,} of {total:,}"
        if time.monotonic() >= self._next_at:
            self._write(ending="\r" if self._in_place else "\n")

    def _write(self, *, ending: str) -> None:
        self._stream.write(self._text, style_func=str, ending=ending)
        self._stream.flush()
        self._written, self._next_at = self._text, time.monotonic() + self._interval
