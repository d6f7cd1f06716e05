"""``manage.py audit``: whether orders, money, stock, parcels, messages and events fit together."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from shop.console.audit import Report, audit


class Command(BaseCommand):
    """Print every violation in a line, then a summary; exit with 1 if there is any."""

    help = "Check that what the contexts say of each order, product and event fits together."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--idle", action="store_true", help="nothing should be under way")

    def handle(self, *args: Any, **options: Any) -> None:
        report = audit(idle=options["idle"])
        for violation in report.violations:
            self.stdout.write(self.style.ERROR(str(violation)))
        for note in report.notes:
            self.stdout.write(self.style.WARNING(f"note     {note}"))
        for line in _summary(report):
            self.stdout.write(line)
        if not report.holds:
            self.stdout.write(self.style.ERROR(f"Violations: {len(report.violations)}"))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("All invariants hold."))


def _summary(report: Report) -> list[str]:
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(report.orders.items()))
    lines = [
        f"Audited {report.orders.total()} orders ({statuses or 'none yet'}), "
        f"{report.products} products, {report.events} events."
    ]
    lines += [
        f"Of shipped and ended orders the shop keeps {kept:,.2f} {currency}; "
        f"the shipped ones are worth {report.shipped[currency]:,.2f} {currency}."
        for currency, kept in sorted(report.kept.items())
    ]
    return lines
