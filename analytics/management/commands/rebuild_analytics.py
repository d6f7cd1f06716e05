"""``manage.py rebuild_analytics``: make analytics' read models anew from the log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from analytics import services
from analytics.errors import RebuildRunning


class Command(BaseCommand):
    """Rebuild while events keep flowing; the old figures stand until the new ones take their place."""

    help = "Rebuild the read models of analytics from the log."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild, showing a progress bar."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(file=self.stdout)) as bar:  # type: ignore[arg-type]
            task = bar.add_task("Replaying the log", total=None)
            try:
                events = services.rebuild(
                    progress=lambda done, total: bar.update(task, completed=done, total=max(done, total))
                )
            except RebuildRunning as refusal:
                raise CommandError(str(refusal)) from refusal
        self.stdout.write(self.style.SUCCESS(f"Rebuilt from {events} events."))
