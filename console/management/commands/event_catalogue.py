"""``manage.py event_catalogue``: write docs/events.md, or check that it is up to date."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import event_catalogue


class Command(BaseCommand):
    """Render the catalogue of the events."""

    help = "Write docs/events.md: each event with its versions, publishers, consumers and a sample."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is stale")
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / "docs" / "events.md")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page, or compare it with the file."""
        file: Path = options["file"]
        page = event_catalogue.page()
        if options["check"]:
            if not file.exists() or file.read_text() != page:
                raise CommandError(f"{file} is stale: run manage.py event_catalogue")
            return
        file.write_text(page)
        self.stdout.write(f"Wrote {file}.")
