"""``manage.py subscribe``: beginnings of consumers in the log, and their backfill."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.messaging.consuming import Consumer
from shop.messaging.consuming.subscriptions import logged_consumers
from shop.messaging.models import Subscription
from shop.messaging.operations import backfilling
from shop.progress import ProgressLine


class Command(BaseCommand):
    """List subscriptions; with ``--backfill``, send consumers the events from before their beginning."""

    help = "List since which position of the log each consumer gets events; send it earlier ones on request."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the consumers and the options."""
        parser.add_argument("consumers", nargs="*", metavar="CONSUMER", help="as in analytics.when_...")
        parser.add_argument(
            "--backfill",
            action="store_true",
            help="send earlier events; without a CONSUMER, finish the backfills that are not",
        )
        parser.add_argument(
            "--from", dest="since", type=int, default=0, metavar="POSITION", help="only later events"
        )
        parser.add_argument(
            "--rate", type=float, default=backfilling.RATE, help="events a second (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """List, or backfill."""
        chosen = _chosen(options["consumers"])
        if not options["backfill"]:
            self._list(chosen or logged_consumers())
            return
        if options["rate"] <= 0:
            raise CommandError("--rate has to be more than 0.")
        for consumer in chosen:
            backfilling.request_backfill(consumer, since=options["since"])
        for consumer in chosen or [one for one, _ in backfilling.behind()]:
            self._backfill(consumer, options["rate"])

    def _list(self, chosen: list[Consumer]) -> None:
        known = Subscription.objects.in_bulk([consumer.name for consumer in chosen])
        for consumer in chosen:
            self.stdout.write(f"{consumer.name}  {_describe(consumer, known.get(consumer.name))}")

    def _backfill(self, consumer: Consumer, rate: float) -> None:
        total, sent = backfilling.events_left(consumer), 0
        try:
            with ProgressLine(consumer.name, self.stderr) as progress:
                for sent in backfilling.backfill(consumer, rate=rate):
                    progress.show(sent, total)
        except KeyboardInterrupt:
            raise CommandError(f"Stopped after {sent} of {total} events: run it again to go on.") from None
        self.stdout.write(self.style.SUCCESS(f"Sent to {consumer.name}: {sent}"))


def _chosen(names: list[str]) -> list[Consumer]:
    by_name = {consumer.name: consumer for consumer in logged_consumers()}
    if unknown := [name for name in names if name not in by_name]:
        raise CommandError(
            f"No consumer of logged events: {', '.join(unknown)}. There are:\n" + "\n".join(by_name)
        )
    return [by_name[name] for name in names]


def _describe(consumer: Consumer, subscription: Subscription | None) -> str:
    if subscription is None:
        return "begins when its worker starts"
    text = f"since position {subscription.position}"
    if subscription.is_behind:
        text += f", backfilled to {subscription.backfilled_to} of {subscription.backfill_until}"
    return text
