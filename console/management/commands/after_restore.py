"""``manage.py after_restore``: make a restored database safe to run on, and open the shop again."""

from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.restore.errors import RestoreError
from console.restore.lost_orders import find_lost
from console.restore.opening import lines, open_restored
from payments.errors import GatewayError
from shipping.errors import CarrierError


class Command(BaseCommand):
    """Advance the sequences, forget again, end the sessions, open the shop, and list the lost orders.

    Run it where ``manage.py migrate`` runs, after it, and before any other process of the shop.
    """

    help = "Open the shop again after its database was restored from a backup."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--by", default=getuser(), help="who opens it, for the record (the user)")
        parser.add_argument(
            "--restored", action="store_true", help="it was restored, though nothing shows it"
        )
        parser.add_argument("--no-erasures", action="store_true", help="nobody was ever forgotten")
        parser.add_argument(
            "--gap", type=int, metavar="N", help="numbers to leave out (by the rate of events)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Open the shop."""
        try:
            opened = open_restored(
                by=options["by"],
                restored=options["restored"],
                erasures=not options["no_erasures"],
                gap=options["gap"],
            )
        except RestoreError as error:
            raise CommandError(str(error)) from error
        for line in lines(opened):
            self.stdout.write(line)
        self.stdout.write(self.style.SUCCESS("The shop is open: start its processes."))
        self._count_lost_orders()

    def _count_lost_orders(self) -> None:
        try:
            lost = [found for found in find_lost() if found.is_open]
        except (GatewayError, CarrierError) as error:
            self.stdout.write(f"The providers' books cannot be read now: {error}")
        else:
            self.stdout.write(f"Orders that only the providers know: {len(lost)} (manage.py lost_orders)")
