"""Places orders by the service that the API calls, without HTTP: what the API can reach at the most."""

import json
import sys
from pathlib import Path

from dev.bench.placing import place_one_by_one

if __name__ == "__main__":
    place_one_by_one(skus=json.loads(Path(sys.argv[1]).read_text()), seed=int(sys.argv[2]))
