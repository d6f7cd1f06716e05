"""Known vulnerabilities of the pinned packages, by pip-audit; part of script/check.

The answer is kept for a day and a set of lock files. Without access to the data the exit code is SKIPPED.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dev.paths import ROOT, VAR, make_private_file

LOCK_FILES = ("requirements.txt", "requirements-run.txt", "requirements-dev.txt")
#: Exit code of a check that could not be made.
SKIPPED = 77
#: Seconds for the first package, which tells whether the data can be reached, and for all packages.
_PROBE_TIME_LIMIT, _TIME_LIMIT = 5.0, 120.0
#: Findings that do not concern the shop, each with the reason.
IGNORED: dict[str, str] = {}


@dataclass(frozen=True)
class Report:
    """Outcome of an audit, in the words that script/check prints."""

    code: int
    text: str


def main() -> int:
    """Print today's report and return its exit code."""
    kept = _file_of_today()
    if kept.exists():
        report = Report(**json.loads(kept.read_text()))
    else:
        report = audit([ROOT / name for name in LOCK_FILES])
        make_private_file(kept, json.dumps(report.__dict__))
    print(report.text)
    return report.code


def audit(lock_files: Sequence[Path], *, folder: Path = VAR) -> Report:
    """Audit all packages of ``lock_files`` if a first one can be audited."""
    probe = folder / "probe.txt"
    probe.parent.mkdir(parents=True, exist_ok=True)
    probe.write_text(_first_requirement(lock_files[0]))
    answer = _pip_audit([probe], _PROBE_TIME_LIMIT)
    return report_of(_pip_audit(lock_files, _TIME_LIMIT) if _is_complete(answer) else answer)


def report_of(answer: str) -> Report:
    """Return the report on pip-audit's JSON. It reports packages that it could not look up as clean."""
    if not _is_complete(answer):
        return Report(
            SKIPPED,
            "NOT AUDITED: the data on known vulnerabilities of packages cannot be reached from here. "
            f"Tried once a day; to try again now, remove {_file_of_today().relative_to(ROOT)}.",
        )
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, fixed in {flaw['fix_versions']}"
        for package in json.loads(answer)["dependencies"]
        for flaw in package["vulns"]
        if flaw["id"] not in IGNORED
    ]
    return Report(1 if found else 0, "\n".join(found))


def _is_complete(answer: str) -> bool:
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        return False
    return bool(packages) and not any("skip_reason" in package for package in packages)


def _pip_audit(files: Sequence[Path], time_limit: float) -> str:
    """Return pip-audit's answer in JSON; an empty string if it gives none in time."""
    named = [part for file in files for part in ("-r", str(file))]
    options = (
        "--disable-pip",
        "--require-hashes",
        "--timeout",
        "4",
        "--progress-spinner",
        "off",
        "-f",
        "json",
    )
    argv = [sys.executable, "-m", "pip_audit", *options, *named]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=time_limit, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def _first_requirement(lock_file: Path) -> str:
    """Return the first requirement of a lock file with its hashes."""
    lines: list[str] = []
    for line in lock_file.read_text().splitlines():
        lines.append(line)
        if not line.endswith("\\"):
            break
    return "\n".join(lines) + "\n"


def _file_of_today() -> Path:
    text = b"".join((ROOT / name).read_bytes() for name in LOCK_FILES) + Path(__file__).read_bytes()
    return (
        VAR / "vulnerabilities" / f"{datetime.now(UTC):%Y-%m-%d}-{hashlib.sha256(text).hexdigest()[:12]}.json"
    )


if __name__ == "__main__":
    sys.exit(main())
