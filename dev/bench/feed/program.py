"""Programs of the measurement, in the shop's environment: an account with a key, and events at a rate."""

import sys
import time

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from orders.events import OrderCancelled  # noqa: E402
from shop.accounts.api_keys import create_key  # noqa: E402
from shop.ids import uuid7  # noqa: E402
from shop.messaging.publishing import publish, unit_of_work  # noqa: E402


def make_account() -> None:
    """Make an account that may read everything, and print its key."""
    user = User.objects.create_superuser("reader")
    print(create_key(user=user, name="bench", scopes=["events:read"])[1])


def publish_events(number: int, rate: float) -> None:
    """Publish a number of events at a rate, each in a transaction of its own."""
    began = time.monotonic()
    for n in range(number):
        time.sleep(max(0.0, began + n / rate - time.monotonic()))
        with unit_of_work():
            publish(OrderCancelled(order_id=uuid7(), number=f"ORD-{n}", reason="customer"))


if __name__ == "__main__":
    if sys.argv[1] == "account":
        make_account()
    else:
        publish_events(int(sys.argv[2]), float(sys.argv[3]))
