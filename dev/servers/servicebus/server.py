"""Process of the stand-in: ``python -m dev.servers.servicebus.server PORT CONFIG.json``."""

import json
import sys
from pathlib import Path

from proton.reactor import Container

from dev.servers.servicebus.broker import Broker
from dev.servers.servicebus.namespace import Namespace


def main(port: str, config: str) -> None:
    """Serve until the process is stopped."""
    namespace = Namespace(json.loads(Path(config).read_text(encoding="utf-8")))
    Container(Broker(int(port), namespace)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
