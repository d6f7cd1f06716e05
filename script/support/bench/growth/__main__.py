"""A process of the shop's own: lives through the days, measures in between, prints a line of JSON for each.

Django has to be set up before anything that it serves is imported.
"""

import json
import sys

import django

django.setup()

from script.support.bench.growth.stages import live  # noqa: E402

for line in live(**json.loads(sys.argv[1])):
    print(json.dumps(line), flush=True)
