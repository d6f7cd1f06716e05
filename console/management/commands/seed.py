"""``manage.py seed``: add demonstration data: a catalogue, three customers and an operator."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.seeding import CATALOGUE, Login, seed


class Command(BaseCommand):
    """Add the demonstration data and print the logins. Idempotent."""

    help = "Add a catalogue, three customers and an operator, with passwords that are no secret."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the option that confirms a demonstration."""
        parser.add_argument("--demo", action="store_true", help="this is a demonstration, not a real shop")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add the data and print the logins."""
        if not (options["demo"] or settings.DEBUG):
            raise CommandError(
                "Accounts with known passwords are for a demonstration: say --demo if it is one."
            )
        logins = seed()
        self.stdout.write(f"The catalogue has {len(CATALOGUE)} products. Log in as:")
        for login in logins:
            self.stdout.write(_line(login))


def _line(login: Login) -> str:
    role = "operator" if login.person.operator else "customer"
    caveat = "" if login.is_new else " (unless it was changed)"
    return (
        f"  {login.person.username:<9} password {login.person.password:<14} {role}, "
        f"API token {login.token}{caveat}"
    )
