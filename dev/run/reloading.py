"""``script/run --reload``: web server and workers start again when the code has changed."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dev.errors import NotReady, ServerFailed
from dev.paths import ROOT
from dev.stack import Stack

#: Files that the programs read when they start.
_ENDINGS = {".py", ".html", ".jinja", ".txt"}
#: Folders that they do not read.
_LEFT_OUT = {"var", "docs", "tests", "dev", "script", "deploy", "clients", "node_modules", "__pycache__"}
#: Seconds between two looks at the files.
_INTERVAL = 0.5


class Watch:
    """The files of the code as they were at the last look, by their times of change."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._seen = dict(self._files())

    def changed(self) -> set[Path]:
        """Return the files that were changed, added or removed since the last look."""
        seen, self._seen = self._seen, dict(self._files())
        return {path for path, _ in seen.items() ^ self._seen.items()}

    def _files(self) -> Iterator[tuple[Path, int]]:
        for folder, folders, names in os.walk(self._root):
            left_out = _LEFT_OUT if Path(folder) == self._root else {"__pycache__"}
            folders[:] = [name for name in folders if name[0] != "." and name not in left_out]
            for path in (Path(folder, name) for name in names):
                if path.suffix in _ENDINGS:
                    with contextlib.suppress(FileNotFoundError):  # an editor's file that has just gone
                        yield path, path.stat().st_mtime_ns


class Reloader:
    """Restarts the programs of a stack when their code has changed, unless it is no Python."""

    def __init__(self, stack: Stack, report: Callable[[str], None], *, root: Path = ROOT) -> None:
        self._stack, self._report, self._root = stack, report, root
        self._watch = Watch(root)
        self._next = time.monotonic() + _INTERVAL

    def tend(self) -> None:
        """Look at the files, if it is time. Call it often."""
        if time.monotonic() < self._next:
            return
        if changed := self._watch.changed():
            self._reload(changed)
        self._next = time.monotonic() + _INTERVAL

    def _reload(self, changed: set[Path]) -> None:
        names = ", ".join(sorted(str(path.relative_to(self._root)) for path in changed))
        if wrong := [text for path in sorted(changed) if (text := self._syntax_error(path))]:
            self._report("\n".join(wrong))
            return
        started = time.monotonic()
        try:
            self._stack.reload(changed)
        except (NotReady, ServerFailed) as failure:
            self._report(f"{names}: {failure}\nChange the code again, and it starts again.")
        else:
            self._report(f"{names}: started again in {time.monotonic() - started:.1f} s.")

    def _syntax_error(self, path: Path) -> str:
        """Return what keeps a file from being compiled; nothing if it is gone, or no Python."""
        if path.suffix != ".py" or not path.exists():
            return ""
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return f"{path.relative_to(self._root)}: {error}"
        return ""
