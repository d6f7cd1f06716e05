"""``manage.py seed``: a catalogue, three customers and an operator, to try the shop out."""

from typing import Any

from django.core.management.base import BaseCommand

from console.seeding import CATALOGUE, Login, seed


class Command(BaseCommand):
    """Seed and print the logins; running it again changes nothing."""

    help = "Add a catalogue, three customers and an operator, with passwords that are no secret."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and say how to log in."""
        logins = seed()
        self.stdout.write(f"The catalogue has {len(CATALOGUE)} products. Log in as:")
        for login in logins:
            self.stdout.write(_line(login))


def _line(login: Login) -> str:
    who = "operator" if login.person.operator else "customer"
    known = "" if login.is_new else " (unless it was changed)"
    return (
        f"  {login.person.username:<9} password {login.person.password:<14} {who}, "
        f"API token {login.token}{known}"
    )
