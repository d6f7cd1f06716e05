"""Progress bars for orders that are placed and followed."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dev.console import out
from dev.load.api import Api
from dev.load.feed import Feed
from dev.load.generator import CustomerOrder, LoadGenerator
from dev.stack import Stack


def place_and_follow(
    stack: Stack,
    api: Api,
    orders: Sequence[CustomerOrder],
    *,
    rate: float,
    receive_goods: Callable[[CustomerOrder], None] = lambda order: None,
) -> None:
    """Place and follow all orders, showing progress bars."""
    feed = Feed(stack.infrastructure.database_url)
    with contextlib.closing(feed), _bars(len(orders)) as advance:
        generator = LoadGenerator(api, feed, rate=rate, tend=stack.tend, receive_goods=receive_goods)
        generator.run(orders, advance)


@contextlib.contextmanager
def _bars(total: int) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out) as bars:
        placed, done = bars.add_task("placed", total=total), bars.add_task("done", total=total)

        def advance(placed_count: int, done_count: int) -> None:
            bars.update(placed, completed=placed_count)
            bars.update(done, completed=done_count)

        yield advance
