"""``manage.py trace``: print what happened to an order, from the event log and the inbox."""

from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders import queries
from shop.messaging.operations.traces import Consumption, Published, trace_of

_BRANCH, _LAST, _BAR, _GAP = "├─ ", "└─ ", "│  ", "   "


class Command(BaseCommand):
    """Print an order's events as a tree, with each consumer's waiting time, duration and attempts."""

    help = "Print who consumed the events of an order, how long each waited and took, and what followed."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the order's number."""
        parser.add_argument("number", metavar="ORDER", help="number of the order, such as ORD-1042")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the trace."""
        order = queries.order_by_number(options["number"])
        if not order:
            raise CommandError(f"There is no order {options['number']}. Numbers look like ORD-1042.")
        trace = trace_of(order.id)
        self.stdout.write(f"{order.number} is {order.status}.")
        for one in trace.requested:
            self._write(_lines_of_event(one))
        for run in trace.reminded:
            self._write(_lines_of_run(run, text=f"reminder: {_text(run)}"))

    def _write(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def _lines_of_event(one: Published) -> Iterator[str]:
    time = one.event.time.astimezone(UTC)
    yield f"{time:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" {one.event.type}"
    yield from _below([_lines_of_run(run, text=_text(run)) for run in one.consumptions])


def _lines_of_run(run: Consumption, *, text: str) -> Iterator[str]:
    yield text
    yield from _below([_lines_of_event(one) for one in run.published])


def _below(branches: Sequence[Iterator[str]]) -> Iterator[str]:
    for number, lines in enumerate(branches, start=1):
        is_last = number == len(branches)
        yield (_LAST if is_last else _BRANCH) + next(lines)
        yield from ((_GAP if is_last else _BAR) + line for line in lines)


def _text(run: Consumption) -> str:
    """Return a line such as ``inventory.deduct_stock waited 3 ms, took 5 ms, attempt 2``."""
    facts = [
        f"waited {_duration(run.waited)}" if run.waited is not None else "",
        f"took {_duration(run.took)}" if run.took is not None else "",
        f"NOT CONSUMED: {run.missing}" if run.missing else "",
        f"tried {run.tried} times" if run.tried > 1 else "",
    ]
    return f"{run.consumer} {', '.join(filter(None, facts))}".rstrip()


def _duration(length: timedelta) -> str:
    milliseconds = length.total_seconds() * 1000
    if milliseconds >= 10_000:
        return f"{milliseconds / 1000:.0f} s"
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
