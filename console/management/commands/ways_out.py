"""``manage.py ways_out``: write docs/ways-out.md, or check that it is up to date."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import ways_out


class Command(BaseCommand):
    """Render the page of the ways out of every state."""

    help = "Write docs/ways-out.md from the table of ways out."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is stale")
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / "docs" / "ways-out.md")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page, or compare it with the file."""
        file: Path = options["file"]
        page = ways_out.page()
        if options["check"]:
            if not file.exists() or file.read_text() != page:
                raise CommandError(f"{file} is stale: run manage.py ways_out")
            return
        file.write_text(page)
        self.stdout.write(f"Wrote {file}.")
