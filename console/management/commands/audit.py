"""``manage.py audit``: check the invariants of the whole shop, and optionally repair violations."""

import sys
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.audit import Report, audit
from console.doctor.checkups import CheckupResult, CheckupRunning, check_up
from console.doctor.remedies import State
from shop.currencies import as_text

#: Exit code of ``--repair`` if all findings are repaired or under way: audit again in a moment.
UNDER_WAY = 3


class Command(BaseCommand):
    """Print each violation on a line, then a summary.

    Exits with 0 if all invariants hold and with 1 if a person has to act; with ``--repair``, exits with 3 if
    all findings are repaired or under way.
    """

    help = "Check that the contexts agree on every order, product and event; repair what is safe on request."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--idle", action="store_true", help="report everything still under way")
        parser.add_argument("--repair", action="store_true", help="make the safe repairs, report the rest")
        parser.add_argument("--dry-run", action="store_true", help="only report what --repair would do")
        parser.add_argument(
            "--grace",
            type=float,
            metavar="SECONDS",
            help="with --repair: younger messages count as under way (SHOP_DOCTOR_GRACE_SECONDS)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run an audit, or a check-up of the order doctor."""
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
            result = check_up(by="manage.py", repair=not options["dry_run"], grace=grace)
        except CheckupRunning as error:
            raise CommandError(str(error)) from error
        for finding, outcome in result.outcomes:
            self.stdout.write(self.style.WARNING(str(finding)))
            self.stdout.write(f"  {outcome.state}: {outcome.message}")
        self._summarize(result.report)
        self._conclude(result)

    def _conclude(self, result: CheckupResult) -> None:
        counts = result.counts
        if not counts:
            self.stdout.write(self.style.SUCCESS("All invariants hold."))
            return
        by_state = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
        self.stdout.write(self.style.WARNING(f"Findings: {counts.total()} ({by_state})"))
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
        f"Of shipped and ended orders the shop keeps {as_text(kept, currency, thousands=',')} {currency}; "
        f"the shipped ones are worth {as_text(report.shipped[currency], currency, thousands=',')} {currency}."
        for currency, kept in sorted(report.kept.items())
    ]
    return lines
