"""A temporary folder for one run of a command, removed with everything that killed processes leave in it."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dev.paths import VAR

#: Short, and below the system's temporary folder: the path of a Unix socket has at most 108 bytes.
_PREFIX = "shop-"
_REMOVAL_TIMEOUT = 5.0


@contextlib.contextmanager
def temporary_folder(command: str) -> Iterator[Path]:
    """Yield a new folder for ``TMPDIR``. The caller holds the lock of ``command``.

    ``var/`` keeps the path, so that the next run removes what a run that was killed has left.
    """
    record = VAR / f"{command}.tmpdir"
    _remove_leftover(record)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    record.parent.mkdir(exist_ok=True)
    record.write_text(str(folder))
    try:
        yield folder
    finally:
        remove(folder)
        record.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove a folder in which processes that are just ending may still write."""
    deadline = time.monotonic() + _REMOVAL_TIMEOUT
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def _remove_leftover(record: Path) -> None:
    if record.exists() and (folder := Path(record.read_text())).name.startswith(_PREFIX):
        remove(folder)
