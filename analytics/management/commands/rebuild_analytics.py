"""``manage.py rebuild_analytics``: rebuild the read models of analytics from the log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics import services
from analytics.errors import RebuildRunning
from shop.progress import ProgressLine


class Command(BaseCommand):
    """Rebuild while events are consumed. The old figures stay until the new ones replace them."""

    help = "Rebuild the read models of analytics from the log."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild, showing the progress."""
        with ProgressLine("Replaying the log", self.stderr) as line:
            try:
                events = services.rebuild(progress=lambda done, total: line.show(done, max(done, total)))
            except RebuildRunning as refusal:
                raise CommandError(str(refusal)) from refusal
        self.stdout.write(self.style.SUCCESS(f"Rebuilt from {events} events."))
