"""A report as a picture: decided here, drawn by a process of the virtual environment that can draw."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from dev.bench.report.figures import Report, Series, describe_machine, shown
from dev.bench.servers import PEERS_PYTHON
from dev.errors import ScriptError
from dev.paths import ROOT

#: What a picture may be, by the ending of its file.
ENDINGS = (".png", ".svg")


class Bar(TypedDict):
    """A series: a bar as long as its median, with a whisker from min to max."""

    label: str
    median: float
    min: float
    max: float
    #: The figures in words, to stand beside the bar.
    text: str


class Group(TypedDict):
    """Bars of the same unit, which share an axis."""

    unit: str
    bars: list[Bar]


class Picture(TypedDict):
    """All that is drawn."""

    title: str
    caption: str
    groups: list[Group]


def check(file: Path) -> None:
    """:class:`ScriptError` if no picture can be written to ``file``, before hours of measuring."""
    if file.suffix.lower() not in ENDINGS:
        raise ScriptError(f"{file.name} is no picture: let it end in {' or '.join(ENDINGS)}.")
    if not file.parent.is_dir():
        raise ScriptError(f"there is no folder {file.parent} to write {file.name} to.")
    _draw("--check")


def draw(report: Report, file: Path) -> None:
    """Draw ``report`` into ``file``."""
    _draw(str(file), picture=picture_of(report))


def picture_of(report: Report) -> Picture:
    """The bars of a report, grouped by unit, in the order in which they stand in it."""
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
    argv = [str(PEERS_PYTHON), "-m", "dev.bench.report.picture", argument]
    try:
        done = subprocess.run(
            argv, input=json.dumps(picture), cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise ScriptError(f"{PEERS_PYTHON} is missing: call script/bench, which installs it.") from None
    if done.returncode:
        raise ScriptError(f"the picture could not be drawn:\n{done.stderr.strip()[-2000:]}")
