"""Places orders by the service that the API calls, without HTTP: what the API can reach at the most."""

import json
import random
import sys
from itertools import count, cycle
from pathlib import Path

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - models need Django to be set up

from orders.events import Address  # noqa: E402
from orders.services import place_order  # noqa: E402
from script.support.bench.intake import requests  # noqa: E402


def main(skus: list[str], seed: int) -> None:
    """Place orders until we are stopped."""
    chance, customers = random.Random(seed), cycle(User.objects.filter(username__startswith="customer"))
    address = Address(**requests.ADDRESS)
    for _ in count():
        wanted = requests.lines(chance, skus)
        place_order(
            customer=next(customers),
            lines=[(line["sku"], line["quantity"]) for line in wanted],
            ship_to=address,
            payment_method=requests.PAYMENT_METHOD,
        )


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]))
