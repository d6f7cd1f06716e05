"""script/check: format, lint, types, import rules, migrations, vulnerabilities, run at the same time."""

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
from dev.vulnerabilities import SKIPPED

_PYTHON = sys.executable
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
#: The comparison of models and migrations needs no database.
_NO_DATABASE = "ignore:Got an error checking a consistent migration history:RuntimeWarning"

CHECKS: dict[str, list[str]] = {
    "format": [_PYTHON, "-m", "ruff", "format", "--check", "."],
    "lint": [_PYTHON, "-m", "ruff", "check", "."],
    "types": [_PYTHON, "-m", "mypy"],
    "imports": [_PYTHON, "-c", _LINT_IMPORTS],
    "migrations": [_PYTHON, "-W", _NO_DATABASE, "manage.py", "makemigrations", "--check", "--dry-run"],
    "vulnerabilities": [_PYTHON, "-m", "dev.vulnerabilities"],
}
FIXES = [[_PYTHON, "-m", "ruff", "check", "--fix", "."], [_PYTHON, "-m", "ruff", "format", "."]]

#: Words for the exit codes of a check that has not failed.
_RESULTS = {0: "[green]ok[/]     ", SKIPPED: "[bold yellow]SKIPPED[/]"}
_FAILED = "[bold red]failed[/] "


@dataclass
class Check:
    """A running check and the file of its output."""

    name: str
    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def finish(self) -> bool:
        """Wait for the end and print the result, with the output unless it passed; False if it failed."""
        code = self.process.wait()
        out.print(f"{_RESULTS.get(code, _FAILED)} {self.name}")
        if code:
            self.output.seek(0)
            out.print(escape(self.output.read().decode(errors="replace").rstrip()), soft_wrap=True)
        return code in _RESULTS


def main(arguments: list[str]) -> int:
    """Run all checks; 1 if any fails."""
    if arguments == ["--fix"]:
        for fix in FIXES:
            subprocess.run(fix, cwd=ROOT, check=False)
    elif arguments:
        out.print("usage: script/check [--fix]")
        return 2
    started = time.monotonic()
    passed = [check.finish() for check in [_start(name, argv) for name, argv in CHECKS.items()]]
    seconds = time.monotonic() - started
    out.print(f"{sum(passed)} of {len(passed)} checks passed in {seconds:.1f} s", style="dim")
    return 0 if all(passed) else 1


def _start(name: str, argv: list[str]) -> Check:
    output = tempfile.TemporaryFile()  # noqa: SIM115  # read when the check has ended
    env = os.environ | {"DJANGO_DEBUG": "1"}  # no secrets needed
    process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=output, stderr=output)
    return Check(name, process, output)


if __name__ == "__main__":
    run_command("check", main)
