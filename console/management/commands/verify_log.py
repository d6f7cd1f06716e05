"""``manage.py verify_log``: find events that were changed, removed or added by hand."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders import queries
from shop.messaging.event_log import count_events
from shop.messaging.log_proof.verifying import Fault, events_without_hash, faults
from shop.messaging.models import LogRoot


class Command(BaseCommand):
    """Print each fault on a line, with the event's position, type and order; exit with 1 if there are any."""

    help = "Verify the hash chains of the event log and its signed roots. Exits with 1 if anything is amiss."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--known-root",
            metavar="NUMBER:SIGNATURE",
            help="a root noted down outside of the database: it has to be there, unchanged",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify the whole log."""
        found = [*self._unknown_root(options["known_root"]), *map(_line, faults())]
        for line in found:
            self.stdout.write(self.style.ERROR(line))
        newest = LogRoot.objects.order_by("number").last()
        roots, older = newest.number if newest else 0, events_without_hash()
        self.stdout.write(f"Verified {count_events()} events and {roots} signed roots.")
        if older:
            self.stdout.write(f"{older} events are from before the hash chain: only roots can prove them.")
        if newest:
            self.stdout.write(f"Note down outside: {newest.number}:{bytes(newest.signature).hex()}")
        if found:
            self.stdout.write(self.style.ERROR(f"Faults: {len(found)}"))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("The log is as it was appended."))

    def _unknown_root(self, known: str | None) -> list[str]:
        if not known:
            return []
        number, _, signature = known.partition(":")
        if not number.isdecimal() or not signature:
            raise CommandError("--known-root is a number and a signature, as an earlier run printed them.")
        root = LogRoot.objects.filter(number=int(number)).first()
        if root and bytes(root.signature).hex() == signature:
            return []
        return [f"root {number} is not the one that was noted down"]


def _line(fault: Fault) -> str:
    """Return the fault in a line: position, type, order, problem."""
    if not fault.aggregate_id:
        return fault.problem
    number = queries.numbers_of([fault.aggregate_id]).get(fault.aggregate_id, str(fault.aggregate_id))
    event = f"event {fault.sequence} of {number}" if fault.sequence else f"of {number}"
    position = f"position {fault.position}" if fault.position else "position unknown"
    return f"{position}, {fault.type or 'type unknown'}, {event}: {fault.problem}"
