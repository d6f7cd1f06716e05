"""script/bench: run a measurement and print its report."""

import os
from pathlib import Path

from dev.bench import options
from dev.bench.report import plot
from dev.bench.report.figures import Report, describe_machine
from dev.console import out, run_command, say
from dev.errors import ScriptError
from dev.paths import VAR
from dev.servers.ownership import hold_lock

#: Number of cores to use: the results are meant for a small machine.
_CORES = 2


def main(arguments: list[str]) -> int:
    """Run the chosen measurement, print the report, and write it to the files of the options."""
    asked = options.parser().parse_args(arguments)
    text, picture = _file(asked.json), _file(asked.plot)
    if text and not text.parent.is_dir():
        raise ScriptError(f"there is no folder {text.parent} to write {text.name} to.")
    if picture:
        plot.check(picture)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_CORES])
    with hold_lock(VAR / "bench.lock", "script/bench"):
        report: Report = asked.measure(asked)
    out.print(report.table())
    out.print(describe_machine(), style="dim")
    if text:
        text.write_text(report.as_json())
        say(f"Written to {text}.")
    if picture:
        plot.draw(report, picture)
        say(f"Drawn in {picture}.")
    return 0


def _file(name: str | None) -> Path | None:
    return Path(os.environ.get("CALLED_FROM", "."), name) if name else None


if __name__ == "__main__":
    run_command("bench", main)
