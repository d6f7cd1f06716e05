"""``manage.py audit``: whether orders, money, stock, parcels, messages and events fit together."""

import sys
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.audit import Report, audit
from console.doctor.checkups import AnotherDoctor, Treatment, check_up
from console.doctor.remedies import State

#: With ``--repair``: all that was found is repaired or on its way; audit again in a moment.
UNDER_WAY = 3


class Command(BaseCommand):
    """Print every violation in a line, then a summary.

    Exits with 0 if all holds and 1 if a person has to act; with ``--repair``, 3 says that all that was
    found is repaired or under way.
    """

    help = "Check that what the contexts say of each order, product and event fits together, and repair it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--idle", action="store_true", help="nothing should be under way")
        parser.add_argument("--repair", action="store_true", help="repair what is safe, and say what is left")
        parser.add_argument("--dry-run", action="store_true", help="only say what --repair would do")
        parser.add_argument(
            "--grace",
            type=float,
            metavar="SECONDS",
            help="with --repair: what was set off since is taken to be under way (SHOP_DOCTOR_GRACE_SECONDS)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["repair"] or options["dry_run"]:
            self._repair(options)
        else:
            self._audit(options)

    def _audit(self, options: dict[str, Any]) -> None:
        report = audit(idle=options["idle"])
        for violation in report.violations:
            self.stdout.write(self.style.ERROR(str(violation)))
        self._summarize(report)
        if not report.holds:
            self.stdout.write(self.style.ERROR(f"Violations: {len(report.violations)}"))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("All invariants hold."))

    def _repair(self, options: dict[str, Any]) -> None:
        grace = None if options["grace"] is None else timedelta(seconds=options["grace"])
        try:
            treatment = check_up(by="manage.py", repair=not options["dry_run"], grace=grace)
        except AnotherDoctor as error:
            raise CommandError(str(error)) from error
        for finding, outcome in treatment.outcomes:
            self.stdout.write(self.style.WARNING(str(finding)))
            self.stdout.write(f"  {outcome.state}: {outcome.says}")
        self._summarize(treatment.report)
        self._conclude(treatment)

    def _conclude(self, treatment: Treatment) -> None:
        counts = treatment.counts
        if not counts:
            self.stdout.write(self.style.SUCCESS("All invariants hold."))
            return
        said = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
        self.stdout.write(self.style.WARNING(f"Findings: {counts.total()} ({said})"))
        sys.exit(1 if counts[State.LEFT] or counts[State.HANDED_OVER] else UNDER_WAY)

    def _summarize(self, report: Report) -> None:
        for note in report.notes:
            self.stdout.write(self.style.WARNING(f"note     {note}"))
        for line in _summary(report):
            self.stdout.write(line)


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
