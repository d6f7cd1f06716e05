"""``manage.py dead_letters list|replay|discard``: dead letters without a browser, and without a broker."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.messaging.dead_letters import Selection, Tally, discard_dead_letters, replay_dead_letters
from shop.messaging.dead_letters.causes import causes
from shop.messaging.dead_letters.preview import preview
from shop.messaging.dead_letters.selection import FIELDS
from shop.messaging.models import DeadLetter
from shop.progress import ProgressLine


class Command(BaseCommand):
    """Tell what would be done, ask, and do it: in this process, so that no worker is needed."""

    help = "List open dead letters by cause, replay them, or discard them."

    def add_arguments(self, parser: CommandParser) -> None:
        actions: Any = parser.add_subparsers(dest="action", required=True)
        _add_filters(actions.add_parser("list", help="by cause"))
        for name in ("replay", "discard"):
            act = actions.add_parser(name, help=f"{name} those that the filters let through")
            _add_filters(act)
            act.add_argument("--reason", default="", help="kept with every letter")
            act.add_argument("--by", default=getpass.getuser(), help="who does it (default: %(default)s)")
            act.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do as told."""
        where = {name: options[name] for name in FIELDS if options[name] is not None}
        selection = Selection(where=where, ids=options["id"], search=options["search"]).as_of_now()
        getattr(self, f"_{action}")(selection, options)

    def _list(self, selection: Selection, options: dict[str, Any]) -> None:
        for cause in causes(selection):
            whose = cause.consumer or cause.app or "whoever subscribes"
            since = f"{cause.first:%Y-%m-%d %H:%M} to {cause.last:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{cause.letters:>7}  {whose}  {cause.type or 'unknown'}  {since}")
            self.stdout.write(f"         {cause.error_type}: {cause.example}")
        self.stdout.write(f"Open dead letters: {selection.letters().count()}")

    def _replay(self, selection: Selection, options: dict[str, Any]) -> None:
        told, tally = preview(selection), Tally()
        for line in told.lines:
            says = f"{line.delivered} will be delivered, {line.skipped} skipped by the inbox"
            self.stdout.write(f"{line.consumer or 'nobody here'}, {line.type}: {says}")
        for refusal, count in told.refusals:
            self.stdout.write(f"{refusal.consumer}, {refusal.type or 'unknown'}: {count} not, {refusal.why}")
        self._confirm(f"Replay {told.replayable} of {told.letters}?", options)
        with ProgressLine("Dead letters", self.stderr) as progress:
            for _ in replay_dead_letters(selection, by=options["by"], reason=options["reason"], tally=tally):
                progress.show(tally.done, told.letters)
        self.stdout.write(self.style.SUCCESS(f"Replayed: {tally.replayed}"))

    def _discard(self, selection: Selection, options: dict[str, Any]) -> None:
        if not options["reason"].strip():
            raise CommandError("Say why: --reason is kept with every letter.")
        self._list(selection, options)
        total, done = selection.letters().count(), 0
        self._confirm(f"Discard {total}?", options)
        with ProgressLine("Dead letters", self.stderr) as progress:
            for done in discard_dead_letters(selection, by=options["by"], reason=options["reason"]):
                progress.show(done, total)
        self.stdout.write(self.style.SUCCESS(f"Discarded: {done}"))

    def _confirm(self, question: str, options: dict[str, Any]) -> None:
        if not options["yes"] and input(f"{question} [y/N] ").strip().lower() != "y":
            raise CommandError("Nothing was done.")


def _add_filters(parser: Any) -> None:
    parser.add_argument("--id", type=int, nargs="+", help="only these")
    parser.add_argument("--cause", choices=DeadLetter.Cause.values)
    for name in ("app", "consumer", "type"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--error-type", help="the exception, as in ValueError")
    parser.add_argument("--search", default="", help="id of an event or of an order, or part of an error")
