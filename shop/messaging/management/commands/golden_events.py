"""manage.py golden_events: write the golden file of every event, unless a change breaks one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.messaging.documents.golden_files import FOLDER, renewed
from shop.messaging.errors import BreakingChange


class Command(BaseCommand):
    help = "Write docs/events: the schema of every type and version of event, with an example. It refuses a\
    change that breaks readers."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            files = renewed()
        except BreakingChange as error:
            raise CommandError(str(error)) from error
        FOLDER.mkdir(exist_ok=True)
        for path, text in files.items():
            path.write_text(text)
        self.stdout.write(f"{len(files)} golden files in {FOLDER}")
