"""Publishes so many events of the rolling context, as the release that this process is of."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.contracts.rolling.settings")
django.setup()

from django.db import transaction  # noqa: E402

from shop.ids import uuid7  # noqa: E402
from shop.messaging.publishing import publish  # noqa: E402
from tests.contracts.rolling import events  # noqa: E402

for _ in range(int(sys.argv[1])):
    with transaction.atomic():
        if events.RELEASE == "old":
            publish(events.CratePacked(crate_id=uuid7(), pounds=1.0))
        else:
            publish(events.CratePackedV2(crate_id=uuid7(), grams=454))
