"""script/check: lint, types, import rules and migrations, all at once, each with its verdict."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import IO

from rich.markup import escape

from dev.console import out, run_command
from dev.paths import ROOT

_PYTHON = sys.executable
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
#: Whether the tables fit is the tests' business: no database is needed, and none is missed.
_NO_DATABASE = "ignore:Got an error checking a consistent migration history:RuntimeWarning"

CHECKS: dict[str, list[str]] = {
    "format": [_PYTHON, "-m", "ruff", "format", "--check", "."],
    "lint": [_PYTHON, "-m", "ruff", "check", "."],
    "types": [_PYTHON, "-m", "mypy"],
    "imports": [_PYTHON, "-c", _LINT_IMPORTS],
    "migrations": [_PYTHON, "-W", _NO_DATABASE, "manage.py", "makemigrations", "--check", "--dry-run"],
}
FIXES = [[_PYTHON, "-m", "ruff", "check", "--fix", "."], [_PYTHON, "-m", "ruff", "format", "."]]


@dataclass
class Check:
    """A check under way, and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def finish(self) -> bool:
        """Wait for it, print its verdict, and its output if it failed."""
        held = self.process.wait() == 0
        out.print(f"[green]ok[/]      {self.name}" if held else f"[bold red]failed[/]  {self.name}")
        if not held:
            self.output.seek(0)
            out.print(escape(self.output.read().decode(errors="replace").rstrip()), soft_wrap=True)
        return held


def main(arguments: list[str]) -> int:
    """Run all checks; 1 if any fails."""
    if arguments == ["--fix"]:
        for fix in FIXES:
            subprocess.run(fix, cwd=ROOT, check=False)
    elif arguments:
        out.print("usage: script/check [--fix]")
        return 2
    started = time.monotonic()
    held = [check.finish() for check in [_start(name, argv) for name, argv in CHECKS.items()]]
    out.print(f"{sum(held)} of {len(held)} checks hold, in {time.monotonic() - started:.1f} s", style="dim")
    return 0 if all(held) else 1


def _start(name: str, argv: list[str]) -> Check:
    output = tempfile.TemporaryFile()  # noqa: SIM115  # it is read when the check has ended
    env = os.environ | {"DJANGO_DEBUG": "1"}  # no secrets needed
    process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=output, stderr=output)
    return Check(name, process, output)


if __name__ == "__main__":
    run_command("check", main)
