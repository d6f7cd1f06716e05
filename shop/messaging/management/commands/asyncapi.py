"""manage.py asyncapi: write the AsyncAPI document of all events."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from shop.messaging.documents.asyncapi import document


class Command(BaseCommand):
    help = "Print the events as an AsyncAPI 3 document; docs/asyncapi.json is made with it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False))
