"""``manage.py dead_letters list|replay|discard``: dead letters on the command line."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.messaging.dead_letters import ReplayProgress, Selection, discard_dead_letters, replay_dead_letters
from shop.messaging.dead_letters.causes import causes
from shop.messaging.dead_letters.preview import preview
from shop.messaging.dead_letters.selection import FIELDS
from shop.messaging.models import DeadLetter
from shop.progress import ProgressLine


class Command(BaseCommand):
    """Lists, replays or discards dead letters in this process, without broker and worker."""

    help = "List open dead letters by cause, replay them, or discard them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the three actions and their filters."""
        actions: Any = parser.add_subparsers(dest="action", required=True)
        _add_filters(actions.add_parser("list", help="list open dead letters by cause"))
        for name in ("replay", "discard"):
            act = actions.add_parser(name, help=f"{name} the dead letters that match the filters")
            _add_filters(act)
            act.add_argument("--reason", default="", help="recorded with each dead letter")
            act.add_argument("--by", default=getpass.getuser(), help="the operator (default: %(default)s)")
            act.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Run the action on the selected dead letters."""
        where = {name: options[name] for name in FIELDS if options[name] is not None}
        selection = Selection(where=where, ids=options["id"], search=options["search"]).as_of_now()
        getattr(self, f"_{action}")(selection, options)

    def _list(self, selection: Selection, options: dict[str, Any]) -> None:
        for cause in causes(selection):
            consumer = cause.consumer or cause.app or "all subscribers"
            period = f"{cause.first:%Y-%m-%d %H:%M} to {cause.last:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{cause.letters:>7}  {consumer}  {cause.type or 'unknown'}  {period}")
            self.stdout.write(f"         {cause.error_type}: {cause.example}")
        self.stdout.write(f"Open dead letters: {selection.letters().count()}")

    def _replay(self, selection: Selection, options: dict[str, Any]) -> None:
        expected, outcome = preview(selection), ReplayProgress()
        for line in expected.lines:
            deliveries = f"{line.delivered} will be delivered, {line.skipped} skipped by the inbox"
            self.stdout.write(f"{line.consumer or 'no consumer here'}, {line.type}: {deliveries}")
        for refusal, count in expected.refusals:
            type_ = refusal.type or "unknown"
            self.stdout.write(f"{refusal.consumer}, {type_}: {count} not replayable, {refusal.reason}")
        self._confirm(f"Replay {expected.replayable} of {expected.letters}?", options)
        by, reason = options["by"], options["reason"]
        with ProgressLine("Dead letters", self.stderr) as progress:
            for _ in replay_dead_letters(selection, by=by, reason=reason, progress=outcome):
                progress.show(outcome.done, expected.letters)
        self.stdout.write(self.style.SUCCESS(f"Replayed: {outcome.replayed}"))

    def _discard(self, selection: Selection, options: dict[str, Any]) -> None:
        if not options["reason"].strip():
            raise CommandError("Give a reason: --reason is recorded with each dead letter.")
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
    parser.add_argument("--id", type=int, nargs="+", help="only dead letters with these ids")
    parser.add_argument("--cause", choices=DeadLetter.Cause.values)
    for name in ("app", "consumer", "type"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--error-type", help="class of the exception, as in ValueError")
    parser.add_argument("--search", default="", help="id of an event or an order, or part of an error")
