"""Places orders by the service behind the API, without HTTP: the upper limit of the API."""

import json
import sys
from pathlib import Path

from dev.bench.placing import place_one_by_one

if __name__ == "__main__":
    place_one_by_one(skus=json.loads(Path(sys.argv[1]).read_text()), seed=int(sys.argv[2]))
