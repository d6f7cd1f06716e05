"""``manage.py rebuild_analytics``: rebuild the read models of analytics from the log."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import services
from analytics.differences import TableDifference
from analytics.errors import RebuildRunning
from shop.progress import ProgressLine


class Command(BaseCommand):
    """Rebuild while events are consumed. The old figures stay until the new ones replace them."""

    help = "Rebuild the read models of analytics from the log, and show what that changes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option."""
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and stop")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """Rebuild, showing the progress and the changes."""
        with ProgressLine("Replaying the log", self.stderr) as line:
            try:
                events = services.rebuild(
                    progress=lambda done, total: line.show(done, max(done, total)),
                    preview=self._show,
                    dry_run=dry_run,
                )
            except RebuildRunning as refusal:
                raise CommandError(str(refusal)) from refusal
        if dry_run:
            self.stdout.write(f"Nothing was changed: a dry run, from {events} events.")
        else:
            self.stdout.write(self.style.SUCCESS(f"Rebuilt from {events} events."))

    def _show(self, changes: Sequence[TableDifference]) -> None:
        """Show what the swap is to change."""
        for change in changes:
            self.stdout.write(str(change))
        if not changes:
            self.stdout.write("The read models are as the log tells: nothing is to be changed.")
