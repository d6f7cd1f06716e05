"""``manage.py export_customer``: write all that the shop keeps about a customer as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from console.erasure.errors import ErasureError
from console.erasure.exporting import export
from console.erasure.forgetting import find_customer


class Command(BaseCommand):
    """Write the export to stdout."""

    help = "Write all that is kept about a customer as JSON: rows by table, and the events of all orders."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the argument."""
        parser.add_argument("customer", help="user name, e-mail address or id of the account")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the export."""
        try:
            user = find_customer(options["customer"])
        except ErasureError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(export(user), cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
