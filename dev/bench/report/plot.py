"""Report as a bar chart, drawn by a process of the competitors' virtual environment."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from dev.bench.report.figures import Report, Series, describe_machine, shown
from dev.bench.servers import COMPETITORS_PYTHON
from dev.errors import ScriptError
from dev.paths import ROOT

#: Suffixes of pictures.
ENDINGS = (".png", ".svg")


class Bar(TypedDict):
    """A series: a bar as long as the median, with a whisker from minimum to maximum."""

    label: str
    median: float
    min: float
    max: float
    #: The figures beside the bar.
    text: str


class Group(TypedDict):
    """Bars of the same unit on a common axis."""

    unit: str
    bars: list[Bar]


class Picture(TypedDict):
    """A complete picture."""

    title: str
    caption: str
    groups: list[Group]


def check(file: Path) -> None:
    """Raise ScriptError if no picture can be written to ``file``, before measuring for hours."""
    if file.suffix.lower() not in ENDINGS:
        raise ScriptError(f"{file.name} is no picture: let it end in {' or '.join(ENDINGS)}.")
    if not file.parent.is_dir():
        raise ScriptError(f"there is no folder {file.parent} to write {file.name} to.")
    _draw("--check")


def draw(report: Report, file: Path) -> None:
    """Draw ``report`` into ``file``."""
    _draw(str(file), picture=picture_of(report))


def picture_of(report: Report) -> Picture:
    """Return the bars of a report grouped by unit, in the report's order."""
    units = dict.fromkeys(series.unit for series in report.series)
    groups = [_group(unit, [one for one in report.series if one.unit == unit]) for unit in units]
    return {"title": report.title, "caption": describe_machine(), "groups": groups}


def _group(unit: str, series: Sequence[Series]) -> Group:
    return {"unit": unit, "bars": [_bar(one) for one in series]}


def _bar(series: Series) -> Bar:
    low, high = min(series.values), max(series.values)
    text = shown(series.median) + (f"  ({shown(low)} - {shown(high)})" if low < high else "")
    return {"label": series.name, "median": series.median, "min": low, "max": high, "text": text}


def _draw(argument: str, *, picture: Picture | None = None) -> None:
    argv = [str(COMPETITORS_PYTHON), "-m", "dev.bench.report.picture", argument]
    try:
        done = subprocess.run(
            argv, input=json.dumps(picture), cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise ScriptError(f"{COMPETITORS_PYTHON} is missing: call script/bench, which installs it.") from None
    if done.returncode:
        raise ScriptError(f"the picture could not be drawn:\n{done.stderr.strip()[-2000:]}")
