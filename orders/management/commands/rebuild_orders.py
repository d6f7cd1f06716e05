"""``manage.py rebuild_orders``: compare stored orders with their events, and rebuild them."""

import sys
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orders.rebuilding import Result, differing_orders


class Command(BaseCommand):
    """Print each order that differs from its history on a line, then a summary.

    Exits with 0 if all orders are, or are by now, what their events make of them; otherwise with 1.
    """

    help = "Compare every stored order with the fold of its events, and rebuild it on request."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options, one of which is required."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--check", action="store_true", help="only tell what differs")
        what.add_argument("--repair", action="store_true", help="set what differs to what the events say")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, and repair on request."""
        counts: Counter[str] = Counter()
        for result in differing_orders(repair=options["repair"]):
            counts[self._tell(result)] += 1
        if not counts:
            self.stdout.write(self.style.SUCCESS("All orders are what their events make of them."))
            return
        told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
        self.stdout.write(self.style.WARNING(f"Orders that differ from their events: {told}"))
        if counts.keys() != {"repaired"}:
            sys.exit(1)

    def _tell(self, result: Result) -> str:
        """Print a line about an order, and return what became of it."""
        differences = "; ".join(result.drift.texts)
        if result.refused:
            told = f"{differences} - left as it is: {result.refused}" if differences else result.refused
            self.stdout.write(self.style.ERROR(f"refused   {result.drift.number}: {told}"))
            return "refused"
        what = "repaired" if result.repaired else "differ"
        self.stdout.write(self.style.WARNING(f"{what:<9} {result.drift.number}: {differences}"))
        return what
