"""``manage.py forget_customer``: erase what the shop keeps about a customer."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.erasure.errors import ErasureError
from console.erasure.forgetting import find_customer, forget, preview
from orders.errors import OrdersStillOpen


class Command(BaseCommand):
    """Print the number of rows by table, then forget the customer."""

    help = "Erase what the shop keeps about a customer. Orders, money and the event log stay."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments."""
        parser.add_argument("customer", help="user name, e-mail address or id of the account")
        parser.add_argument("--dry-run", action="store_true", help="only count the rows, by table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Forget the customer, or show what would be erased."""
        try:
            user = find_customer(options["customer"])
            for table, count in sorted(preview(user).items()):
                self.stdout.write(f"{count:7,}  {table}")
            if options["dry_run"]:
                return
            subject_id = forget(user)
        except (ErasureError, OrdersStillOpen) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The key of subject {subject_id} is destroyed, the account is erased.")
        self.stdout.write("Workers erase the rest in a few minutes, when no process remembers the key.")
