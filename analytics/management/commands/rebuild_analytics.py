"""``manage.py rebuild_analytics``: rebuild the read models of analytics from the log."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import second_version, services
from analytics.differences import TableDifference
from analytics.errors import RebuildRefused
from shop.progress import ProgressLine


class Command(BaseCommand):
    """Rebuild while events are consumed. The old figures stay until the new ones replace them."""

    help = "Rebuild the read models of analytics from the log, and show what that changes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and stop")
        second = parser.add_mutually_exclusive_group()
        second.add_argument(
            "--beside",
            type=int,
            metavar="VERSION",
            help="make this version beside the live one, and keep both",
        )
        second.add_argument(
            "--promote", action="store_true", help="make the version beside the live one live"
        )
        second.add_argument("--drop", action="store_true", help="drop the version beside the live one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the options say."""
        try:
            done = self._do(**options)
        except RebuildRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(done if options["dry_run"] else self.style.SUCCESS(done))

    def _do(self, *, beside: int | None, promote: bool, drop: bool, dry_run: bool, **options: Any) -> str:
        if dry_run and (beside is not None or drop):
            raise CommandError("--dry-run goes with a rebuild or with --promote.")
        if beside is not None:
            return self._begin(beside)
        if promote:
            return self._promote(dry_run=dry_run)
        if drop:
            second_version.drop()
            return "No version is beside the live one now."
        return self._rebuild(dry_run=dry_run)

    def _rebuild(self, *, dry_run: bool) -> str:
        with ProgressLine("Replaying the log", self.stderr) as line:
            events = services.rebuild(
                progress=lambda done, total: line.show(done, max(done, total)),
                preview=self._show,
                dry_run=dry_run,
            )
        if dry_run:
            return f"Nothing was changed: a dry run, from {events} events."
        return f"Rebuilt from {events} events."

    def _begin(self, version: int) -> str:
        with ProgressLine("Replaying the log", self.stderr) as line:
            events = second_version.begin(
                version=version, progress=lambda done, total: line.show(done, max(done, total))
            )
        return f"Version {version} is beside the live one, from {events} events, and follows the log."

    def _promote(self, *, dry_run: bool) -> str:
        version = second_version.promote(preview=self._show, dry_run=dry_run)
        if dry_run:
            return f"Nothing was changed: a dry run of version {version}."
        return f"Version {version} is live."

    def _show(self, changes: Sequence[TableDifference]) -> None:
        """Show what the swap is to change."""
        for change in changes:
            self.stdout.write(str(change))
        if not changes:
            self.stdout.write("The read models are as the log tells: nothing is to be changed.")
