"""``manage.py consumers list|pause|resume``: consumers, and their pauses by hand."""

import getpass
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.messaging.consuming import consumers, pauses
from shop.messaging.errors import CannotPause
from shop.messaging.operations.paused import paused_consumers
from shop.moments import shown


class Command(BaseCommand):
    """Lists consumers, pauses one or resumes it, without broker and worker."""

    help = "List the consumers, pause one, or resume it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the three actions."""
        actions: Any = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="list the consumers, and who is paused and why")
        pause = actions.add_parser("pause", help="pause a consumer: its messages wait")
        pause.add_argument("consumer")
        pause.add_argument("--reason", required=True, help="shown wherever the pause is")
        pause.add_argument(
            "--until", type=_moment, help="end of the pause, as in 2026-03-01T14:00+01:00; UTC without a zone"
        )
        pause.add_argument("--by", default=getpass.getuser(), help="the operator (default: %(default)s)")
        actions.add_parser("resume", help="resume a consumer that is paused by hand").add_argument("consumer")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Run the action."""
        try:
            getattr(self, f"_{action}")(options)
        except CannotPause as error:
            raise CommandError(str(error)) from error

    def _list(self, options: dict[str, Any]) -> None:
        paused = {one.consumer: one for one in paused_consumers()}
        for consumer in consumers():
            state = paused.get(consumer.name)
            self.stdout.write(f"{consumer.name}  {f'{state.text}, {state.held} held' if state else 'runs'}")

    def _pause(self, options: dict[str, Any]) -> None:
        by, reason, until = options["by"], options["reason"], options["until"]
        circuit = pauses.pause(options["consumer"], by=by, reason=reason, until=until)
        end = f" until {shown(circuit.paused_until)}" if circuit.paused_until else ""
        self.stdout.write(self.style.SUCCESS(f"{circuit.consumer} is paused{end}. Its messages wait."))

    def _resume(self, options: dict[str, Any]) -> None:
        pauses.resume(options["consumer"])
        self.stdout.write(self.style.SUCCESS(f"{options['consumer']} resumes."))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
