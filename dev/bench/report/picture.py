"""Bar charts with whiskers, a panel for each unit. Runs in the competitors' virtual environment."""

import json
import sys
from typing import TYPE_CHECKING, Any

import matplotlib as mpl  # type: ignore[import-not-found]  # in the competitors' venv
from matplotlib.figure import Figure  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from dev.bench.report.plot import Bar, Group, Picture

#: Inches: width of the picture, height of a bar, and height of a panel's axis and heading.
_WIDTH, _BAR, _PANEL = 11.0, 0.3, 0.75
_BAR_COLOUR, _WHISKER_COLOUR = "#7aa6c2", "#1f3b4d"
#: End of the axis in lengths of the longest bar or whisker: the figures need the room.
_ROOM = 1.3
#: Maximum ratio of the longest to the shortest bar on a linear axis.
_TOO_WIDE = 300


def draw(picture: "Picture", file: str) -> None:
    """Draw ``picture`` into ``file``, in the format of its suffix."""
    mpl.rcParams["svg.fonttype"] = "none"  # keep text as text
    heights = [_PANEL + _BAR * len(group["bars"]) for group in picture["groups"]]
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.9), layout="constrained")
    figure.suptitle(picture["title"], x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.supxlabel(picture["caption"], x=0.01, ha="left", fontsize=8, color="#555555")
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    for panel, group in zip(panels[:, 0], picture["groups"], strict=True):
        _draw_group(panel, group)
    figure.savefig(file, dpi=130)


def _draw_group(panel: Any, group: "Group") -> None:
    bars, rows = group["bars"], range(len(group["bars"]))
    medians = [bar["median"] for bar in bars]
    panel.barh(rows, medians, color=_BAR_COLOUR, height=0.7)
    panel.errorbar(medians, rows, xerr=_whiskers(bars), fmt="none", ecolor=_WHISKER_COLOUR, capsize=3)
    panel.set_yticks(rows, [bar["label"] for bar in bars], fontsize=9)
    panel.set_ylim(len(bars) - 0.4, -0.6)  # the first on top
    _set_scale(panel, medians, min([bar["min"] for bar in bars]), max([bar["max"] for bar in bars]))
    for row, bar in zip(rows, bars, strict=True):
        panel.annotate(
            bar["text"], (bar["max"], row), (6, 0), textcoords="offset points", va="center", fontsize=8
        )
    panel.set_title(group["unit"], loc="left", fontsize=10)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(axis="x", labelsize=8)


def _set_scale(panel: Any, medians: list[float], lowest: float, longest: float) -> None:
    """Start the axis at 0 or below, or make it logarithmic if most bars would be invisible."""
    smallest = min([median for median in medians if median > 0], default=1.0)
    if lowest < 0 or max(medians) < _TOO_WIDE * smallest:
        right = max(longest, 0.0)
        panel.set_xlim(min(lowest, 0.0), right + (_ROOM - 1) * (right - min(lowest, 0.0) or 1.0))
        return
    panel.set_xscale("log")
    panel.set_xlim(smallest / 2, longest * (longest / smallest) ** (_ROOM - 1))


def _whiskers(bars: "list[Bar]") -> list[list[float]]:
    low = [bar["median"] - bar["min"] for bar in bars]
    return [low, [bar["max"] - bar["median"] for bar in bars]]


if __name__ == "__main__" and sys.argv[1] != "--check":
    draw(json.load(sys.stdin), sys.argv[1])
