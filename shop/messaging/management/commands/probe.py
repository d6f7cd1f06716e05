"""``manage.py probe``: whether a worker, relay or scheduler moves and reaches what it needs."""

import os
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand
from django.db import connection

from shop.messaging import heartbeat
from shop.messaging.bus.reaching import reach_broker, reach_event_bus


class Command(BaseCommand):
    """Exit with 0 if the process beside which this runs moves, and database and broker answer it."""

    help = (
        "Probe a worker, relay or scheduler: its heartbeats, the database and the broker. Exit code 1, and a "
        "line for each thing that is wrong."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add folder and limit."""
        parser.add_argument(
            "--folder",
            default=os.environ.get(heartbeat.FOLDER, ""),
            help=f"folder of the heartbeats (${heartbeat.FOLDER})",
        )
        parser.add_argument(
            "--max-age",
            type=float,
            default=heartbeat.MAX_AGE,
            metavar="SECONDS",
            help="age from which a heartbeat counts as stopped (%(default)g)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what is wrong, or ``ok``."""
        found = list(_problems(options["folder"], options["max_age"]))
        if found:
            self.stderr.write("\n".join(found))
            raise SystemExit(1)
        self.stdout.write("ok")


def _problems(folder: str, max_age: float) -> Iterator[str]:
    yield from heartbeat.problems(folder, max_age)
    yield from _failure("The database", connection.ensure_connection)
    yield from _failure("The broker", lambda: reach_broker(current_app))
    yield from _failure("The event bus", reach_event_bus)


def _failure(what: str, reach: Callable[[], None]) -> Iterator[str]:
    try:
        reach()
    except Exception as error:  # noqa: BLE001 - clients of brokers raise what they like
        yield f"{what} does not answer ({type(error).__name__}): see that it runs, and what the URL says."
