"""Publisher of the rolling context: for each number on standard input it publishes that many events."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.contracts.rolling.settings")
django.setup()

from django.db import transaction  # noqa: E402

from shop.ids import uuid7  # noqa: E402
from shop.messaging.publishing import publish  # noqa: E402
from tests.contracts.rolling import events  # noqa: E402

for number in sys.stdin:
    for _ in range(int(number)):
        with transaction.atomic():
            if events.RELEASE == "old":
                publish(events.CratePacked(crate_id=uuid7(), pounds=1.0))
            else:
                publish(events.CratePackedV2(crate_id=uuid7(), grams=454))
    print("published", flush=True)
