"""Process that simulates days of load, measures in between, and prints each result as a line of JSON.

Django has to be set up before the other imports.
"""

import json
import sys

import django

django.setup()

from dev.bench.growth.orders import grow  # noqa: E402
from dev.bench.growth.stages import simulate  # noqa: E402

plan = json.loads(sys.argv[1])
orders = plan.pop("orders")
lines = grow(orders=orders, samples=plan["samples"]) if orders else simulate(**plan)
for line in lines:
    print(json.dumps(line), flush=True)
