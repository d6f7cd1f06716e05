"""``manage.py seed``: add demonstration data: a catalogue, three customers and an operator."""

from typing import Any

from django.core.management.base import BaseCommand

from console.seeding import CATALOGUE, Login, seed


class Command(BaseCommand):
    """Add the demonstration data and print the logins. Idempotent."""

    help = "Add a catalogue, three customers and an operator, with passwords that are no secret."

    def handle(self, *args: Any, **options: Any) -> None:
        """Add the data and print the logins."""
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
