"""Command that makes the entities of the event bus in a Service Bus namespace."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.messaging.bus.servicebus.emulator import emulator_config
from shop.messaging.bus.transport_settings import scheme_of


class Command(BaseCommand):
    """Create the topic, a subscription for each app with a rule for each type, and the queues."""

    help = "Make the topic, subscriptions, rules and queues that the event bus needs in Azure Service Bus."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option."""
        parser.add_argument(
            "--emulator-config", action="store_true", help="print the Config.json of Microsoft's emulator"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create what is missing, or print the emulator's file."""
        if options["emulator_config"]:
            self.stdout.write(json.dumps(emulator_config(), indent=2))
            return
        if scheme_of(settings.SHOP_EVENT_BUS) != "sb":
            raise CommandError("SHOP_EVENT_BUS is no connection string of Service Bus (Endpoint=sb://...).")
        self._make_entities()

    def _make_entities(self) -> None:
        # Its client is installed only where Service Bus is the event bus.
        from shop.messaging.bus.servicebus.administration import CannotManage, make_entities  # noqa: PLC0415

        is_complete = True
        try:
            for line in make_entities():
                is_complete = False
                self.stdout.write(line)
        except CannotManage as error:
            raise CommandError(str(error)) from None
        if is_complete:
            self.stdout.write("nothing to do: all entities exist")
