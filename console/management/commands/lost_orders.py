"""``manage.py lost_orders``: orders that a restore has lost, what the providers hold, and the ways out."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.restore import lost_orders
from console.restore.errors import HasLeft, NoCopy, RestoreError
from console.restore.lost_orders import Found
from orders.errors import OrdersError
from payments.errors import PaymentsError
from shipping.errors import ShippingError

#: Ways out of a lost order: names of options and of functions.
WAYS = {
    "refund": "void the label and give everything back; 'all' for all orders",
    "take_over": "the shop knows the order, and not this charge: let it pay the order",
    "keep": "the goods have left: take what is held",
    "reinstate": "enter it again as it was, where a message tells what was ordered",
}


class Command(BaseCommand):
    """List the lost orders that nobody has decided on, or decide. Exits with 1 while some are left."""

    help = "List the orders that a restore has lost, and refund, keep or enter them again."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        ways = parser.add_mutually_exclusive_group()
        for way, text in WAYS.items():
            ways.add_argument(f"--{way.replace('_', '-')}", nargs="+", metavar="ORDER", help=text)
        parser.add_argument("--although-sent", action="store_true", help="refund even if the parcel has left")
        parser.add_argument("--by", default="", help="who decides, for the record")
        parser.add_argument("--reason", default="", help="why, for the record: name no persons")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """List, or decide."""
        found = lost_orders.find_lost()
        for way in WAYS:
            if options[way]:
                self._decide(found, way, options)
                found = lost_orders.find_lost()
        left = [lost for lost in found if lost.is_open]
        for lost in left:
            self.stdout.write(str(lost))
        self.stdout.write(f"Lost orders to be decided on: {len(left)}")
        sys.exit(1 if left else 0)

    def _decide(self, found: list[Found], way: str, options: dict[str, Any]) -> None:
        act: Callable[..., None] = getattr(lost_orders, way)
        if way == "refund":
            act = partial(act, although_sent=options["although_sent"])
        try:
            for lost in lost_orders.chosen(_open_to(way, found), options[way]):
                if self._confirms(f"{way}: {lost}", options):
                    self._act(lost, way, act, options)
        except RestoreError as error:
            raise CommandError(str(error)) from error

    def _act(self, lost: Found, way: str, act: Callable[..., None], options: dict[str, Any]) -> None:
        """Decide on one order; one that cannot be decided so is shown, and the others go on."""
        try:
            act(lost, by=options["by"], reason=options["reason"])
        except (OrdersError, PaymentsError, ShippingError, HasLeft, NoCopy) as error:
            self.stdout.write(self.style.ERROR(f"{lost.name}: {error}"))
        else:
            self.stdout.write(f"{way}: {lost.name}")

    def _confirms(self, text: str, options: dict[str, Any]) -> bool:
        if options["yes"]:
            return True
        self.stdout.write(text)
        return input("Do it? [y/N] ").strip().lower() == "y"


def _open_to(way: str, found: list[Found]) -> list[Found]:
    """Return those for which there is this way out."""
    known = {"take_over": {True}, "refund": {True, False}}.get(way, {False})
    return [lost for lost in found if lost.is_known in known]
