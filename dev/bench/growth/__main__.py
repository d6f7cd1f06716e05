"""A process of the shop's own: lives through the days, measures in between, prints a line of JSON for each.

Django has to be set up before anything that it serves is imported.
"""

import json
import sys

import django

django.setup()

from dev.bench.growth.orders import grow  # noqa: E402
from dev.bench.growth.stages import live  # noqa: E402

plan = json.loads(sys.argv[1])
orders = plan.pop("orders")
lines = grow(orders=orders, samples=plan["samples"]) if orders else live(**plan)
for line in lines:
    print(json.dumps(line), flush=True)
