"""``manage.py asyncapi``: prints the AsyncAPI document of all events."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from shop.messaging.documents.asyncapi import document


class Command(BaseCommand):
    """Prints the AsyncAPI document."""

    help = "Print the AsyncAPI 3 document of all events, as in docs/asyncapi.json."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the document."""
        self.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False))
