"""Orders on their way, under the eyes of whoever started the run."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dev.console import out
from dev.load.api import Api
from dev.load.feed import Feed
from dev.load.generator import Campaign, Wish
from dev.stack import Stack


def see_through(stack: Stack, api: Api, wishes: Sequence[Wish], *, rate: float) -> None:
    """Place and follow all wishes under a progress bar."""
    feed = Feed(stack.infrastructure.database_url)
    with contextlib.closing(feed), _bars(len(wishes)) as advance:
        Campaign(api, feed, rate=rate, tend=stack.tend).run(wishes, advance)


@contextlib.contextmanager
def _bars(total: int) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out) as bars:
        placed, done = bars.add_task("placed", total=total), bars.add_task("done", total=total)

        def advance(placed_count: int, done_count: int) -> None:
            bars.update(placed, completed=placed_count)
            bars.update(done, completed=done_count)

        yield advance
