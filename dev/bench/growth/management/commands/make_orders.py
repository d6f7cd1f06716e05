"""``manage.py make_orders``: finished orders in bulk, to try the shop with a million of them."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from console.seeding import seed
from dev.bench.growth.bulk import copying, patterns
from orders.queries import latest_orders


class Command(BaseCommand):
    """Create orders with all their rows, so that the audit holds."""

    help = "Make finished orders in bulk, placed over the past year, for measurements. Never in a real shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("orders", type=int, help="how many")
        parser.add_argument(
            "--days", type=float, default=365, help="over which they were placed (default 365)"
        )
        parser.add_argument("--among-others", action="store_true", help="though there are orders already")

    def handle(self, *args: Any, **options: Any) -> None:
        if latest_orders(limit=1) and not options["among_others"]:
            raise CommandError("there are orders already: use another database, or say --among-others.")
        seed()
        try:
            originals = patterns.make()
        except patterns.Unfinished as error:
            raise CommandError(str(error)) from error
        if (copies := options["orders"] - len(originals)) > 0:
            self._copy(originals, copies, timedelta(days=options["days"]))

    def _copy(self, originals: list[Any], copies: int, span: timedelta) -> None:
        columns = (TextColumn("orders"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("orders", total=copies)
            for done in copying.copy_orders(originals, total=copies, span=span):
                progress.update(task, completed=done)
