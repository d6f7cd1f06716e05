"""Outcome of each line of an import: as it stands, or changed or left out with a remark."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from typing import Protocol


class Outcome(StrEnum):
    """Outcome of a line that is not imported as it stands."""

    CHANGED = "changed"
    LEFT_OUT = "left out"


class AnyLine(Protocol):
    """Line of the file, as far as a remark names it."""

    @property
    def number(self) -> int: ...

    @property
    def invoice(self) -> str: ...

    @property
    def sku(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Remark:
    """A line that was left out or changed, and the reason."""

    line: int
    invoice: str
    sku: str
    why: str
    #: Category for the summary.
    kind: str
    outcome: Outcome = Outcome.LEFT_OUT


class Remarks:
    """The remarks of an import, at most one for each line."""

    def __init__(self, remarks: Iterable[Remark] = ()) -> None:
        self._by_line: defaultdict[int, list[Remark]] = defaultdict(list)
        for remark in remarks:
            self._by_line[remark.line].append(remark)

    def __iter__(self) -> Iterator[Remark]:
        """Yield the remarks by line. A line that was changed twice has one with both reasons."""
        for _, [first, *others] in sorted(self._by_line.items()):
            yield replace(first, why="; ".join([first.why, *map(attrgetter("why"), others)]))

    def __len__(self) -> int:
        return len(self._by_line)

    def __getitem__(self, place: int) -> Remark:
        return list(self)[place]

    def leave_out(self, lines: Iterable[AnyLine], why: str, kind: str) -> None:
        """Remark that lines are left out. The first reason stays, and what was changed does not matter."""
        for line in lines:
            if not self._is_left_out(line.number):
                self._by_line[line.number] = [_remark(line, why, kind, Outcome.LEFT_OUT)]

    def change(self, line: AnyLine, why: str, kind: str) -> None:
        """Remark that a line is imported with a change, unless it is left out."""
        if not self._is_left_out(line.number):
            self._by_line[line.number].append(_remark(line, why, kind, Outcome.CHANGED))

    def withdraw(self, kind: str) -> None:
        """Withdraw the remarks of a kind."""
        for line, remarks in list(self._by_line.items()):
            if kept := [remark for remark in remarks if remark.kind != kind]:
                self._by_line[line] = kept
            else:
                del self._by_line[line]

    def count(self, outcome: Outcome) -> int:
        """Return the number of lines with an outcome."""
        return sum(remark.outcome == outcome for remark in self)

    def _is_left_out(self, number: int) -> bool:
        return any(remark.outcome == Outcome.LEFT_OUT for remark in self._by_line.get(number, ()))


def _remark(line: AnyLine, why: str, kind: str, outcome: Outcome) -> Remark:
    return Remark(line.number, line.invoice, line.sku, why, kind, outcome)
