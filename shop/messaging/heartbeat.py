"""Heartbeats: each loop of a process touches a file, so that a probe sees whether the loop still moves.

A supervisor asks often, so the probe's half needs the standard library alone and runs as a script:
``python -P shop/messaging/heartbeat.py``. ``manage.py probe`` asks for more.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

#: Environment variable of the folder with the files. Without it nothing is written.
FOLDER = "SHOP_HEARTBEAT_DIR"
#: Seconds between two touches of a file.
INTERVAL = 1.0
#: Age in seconds from which a loop counts as stuck. Loops pause for up to five seconds by themselves, and an
#: attempt to connect to each of three brokers takes fifteen.
MAX_AGE = 30.0


class Heartbeat:
    """Heartbeat of one loop."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = 0.0

    def beat(self) -> None:
        """Touch the file, at most once an interval. A loop outlives a full disk: the probe reports it."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + INTERVAL
        if folder := os.environ.get(FOLDER):
            with contextlib.suppress(OSError):
                Path(folder, self._name).touch()


def problems(folder: str, max_age: float = MAX_AGE) -> Iterator[str]:
    """Yield what is wrong with the loops whose files are in the folder."""
    if not folder:
        yield f"{FOLDER} is not set: give it to this command and to the process that it probes."
        return
    files = sorted(Path(folder).glob("*"))
    if not files:
        yield f"There is no heartbeat in {folder}: the process has not started, or cannot write there."
    for file in files:
        age = time.time() - file.stat().st_mtime
        if age > max_age:
            yield f"The loop of {file.name} has not moved for {age:.0f} s (limit {max_age:g} s): restart it."


def main() -> int:
    """Print what is wrong, and return the exit code."""
    found = list(problems(os.environ.get(FOLDER, "")))
    print(*(found or ["alive"]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
