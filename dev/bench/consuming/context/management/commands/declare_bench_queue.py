"""manage.py declare_bench_queue: declare the queue of the context before any worker runs."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from kombu import Connection

from shop.messaging.bus import topology


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        with Connection(settings.CELERY_BROKER_URL) as connection:
            topology.declare_topology(connection, ["dev"])
