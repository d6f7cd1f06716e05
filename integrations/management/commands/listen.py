"""``manage.py listen``: prints events as they happen, or forwards them to a URL, while developing."""

import json
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from integrations.errors import AddressRefused
from integrations.listening import Forwarder
from integrations.secrets import PREFIX, new_secret
from shop.messaging.following import Follower, PublishedEvent

#: Seconds between two looks at the log.
_INTERVAL = 0.2


class Command(BaseCommand):
    """Print or forward the events of the log, on every event bus."""

    help = "Print events as they happen, or post them to a URL, signed as webhooks are. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the types and the options."""
        parser.add_argument(
            "types",
            nargs="*",
            metavar="TYPE",
            help="as in orders.OrderCreated.v2 or 'orders.*' (default: all)",
        )
        parser.add_argument(
            "--after", type=int, metavar="POSITION", help="begin after a position of the log (default: now)"
        )
        parser.add_argument("--count", type=int, metavar="N", help="end after N events")
        parser.add_argument("--json", action="store_true", help="print whole CloudEvents, one a line")
        parser.add_argument("--forward-to", metavar="URL", help="post each event to this address, once")
        parser.add_argument("--secret", help=f"secret that signs, {PREFIX}... (default: a new one, printed)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Follow the log until Ctrl-C, or until there were as many events as wanted."""
        follower = Follower(after=options["after"], patterns=tuple(options["types"]))
        with ExitStack() as stack:
            forwarder = stack.enter_context(self._forwarder(options)) if options["forward_to"] else None
            try:
                self._follow(follower, forwarder, options)
            except KeyboardInterrupt:
                return
            except AddressRefused as refusal:
                raise CommandError(f"{refusal}: name its network in SHOP_ENDPOINT_NETWORKS.") from refusal

    def _forwarder(self, options: dict[str, Any]) -> Forwarder:
        url, secret = options["forward_to"], options["secret"]
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise CommandError("Write the whole address, as in http://localhost:8080/webhooks.")
        if secret is None:
            secret = new_secret()
            self._say(f"Signed with {secret}")
        return Forwarder(url, secret)

    def _follow(self, follower: Follower, forwarder: Forwarder | None, options: dict[str, Any]) -> None:
        self._say("Listening ...")
        left = options["count"]
        while True:
            for event in follower.new():
                self._show(event, forwarder.send(event) if forwarder else "", options["json"])
                left = left and left - 1
                if left == 0:
                    return
            time.sleep(_INTERVAL)

    def _show(self, event: PublishedEvent, outcome: str, as_json: bool) -> None:
        if as_json:
            self.stdout.write(event.text)
        else:
            data = json.dumps(json.loads(event.text)["data"], ensure_ascii=False)
            self.stdout.write(f"{event.position}  {event.time:%H:%M:%S.%f}  {event.type}  {data}")
        if outcome:
            self.stdout.write(f"  -> {outcome}")
        self.stdout.flush()

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()
