"""``manage.py golden_events``: writes the golden files of all events, unless a change is breaking."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.messaging.documents.golden_files import FOLDER, regenerate
from shop.messaging.errors import BreakingChange


class Command(BaseCommand):
    """Writes the golden files."""

    help = "Write docs/events: schema and example of each version of each event. Refuse breaking changes."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files, or none if a change is breaking."""
        try:
            files = regenerate()
        except BreakingChange as error:
            raise CommandError(str(error)) from error
        FOLDER.mkdir(exist_ok=True)
        for path, text in files.items():
            path.write_text(text)
        self.stdout.write(f"{len(files)} golden files in {FOLDER}")
